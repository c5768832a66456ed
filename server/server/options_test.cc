#include "server/server/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "server/server/config_file.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;

class ConfigFile : public testing::Test {
 protected:
  absl::StatusOr<OptionValues> Read(const std::string& text) {
    path_ = directory_.path() / "lab.yaml";
    std::ofstream(path_) << text;
    return ReadConfigFile(path_);
  }
  std::string ErrorOf(const std::string& text) {
    const auto read = Read(text);
    if (!read.ok()) return std::string(read.status().message());
    const std::vector<OptionValues> sources{*read};
    return std::string(MakeOptions(sources).status().message());
  }
  TemporaryDirectory directory_;
  std::string path_;
};

TEST_F(ConfigFile, SetsOptions) {
  const auto read =
      Read("# comment\nlisten: 127.0.0.1:1\ninstances-max: 7\nmemory-max: 2Gi\ndrain-time: 1500ms\nlog-format: json\n");
  ASSERT_TRUE(read.ok()) << read.status();
  const std::vector<OptionValues> sources{*read};
  const auto options = MakeOptions(sources);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->listen, "127.0.0.1:1");
  EXPECT_EQ(options->instances_max, 7u);
  EXPECT_EQ(options->memory_max, 2ull << 30);
  EXPECT_EQ(options->drain_time, absl::Milliseconds(1500));
  EXPECT_EQ(options->log_format, LogFormat::kJson);
}

TEST_F(ConfigFile, ErrorsNameFileLineAndWhatIsExpected) {
  EXPECT_THAT(ErrorOf("listen: 127.0.0.1:1\nlog-fromat: json\n"),
              HasSubstr("lab.yaml:2: unknown key \"log-fromat\"; did you mean \"log-format\"?"));
  EXPECT_THAT(ErrorOf("instances-max: many\n"), HasSubstr("lab.yaml:1: instances-max: "));
  EXPECT_THAT(ErrorOf("instances-max: 5000000000\n"), HasSubstr("instances-max"));
  EXPECT_THAT(ErrorOf("listen: ''\n"),
              HasSubstr("lab.yaml:1: listen: \"\" is not an address; HOST:PORT or unix:PATH is expected"));
  EXPECT_THAT(ErrorOf("metrics-listen: nowhere\n"), HasSubstr("metrics-listen: \"nowhere\" is not an address"));
  EXPECT_THAT(ErrorOf("metrics-listen: unix:/x\n"), HasSubstr("\"unix:/x\" is not an address; HOST:PORT is expected"));
  EXPECT_THAT(ErrorOf("reflection: maybe\n"), HasSubstr("\"maybe\" is not one of off, on"));
  EXPECT_THAT(ErrorOf("log-format: xml\n"), HasSubstr("\"xml\" is not one of text, json"));
  EXPECT_THAT(ErrorOf("drain-time: -1s\n"), HasSubstr("drain-time: \"-1s\""));
  EXPECT_THAT(ErrorOf("store: lab.db\n"), HasSubstr("lab.yaml:1: store: not the URL of a database, such as postgresql://"));
  EXPECT_THAT(ErrorOf("store: postgresql://me:secret@host/lab\n"), HasSubstr("put it into the variable PGPASSWORD"));
  EXPECT_THAT(ErrorOf("advertise: 0.0.0.0:7411\n"), HasSubstr("expected the host and port that clients call"));
  for (const char* page : {"javascript:alert(1)", "lab.example.org", "https://a b/", "\"https://a\\n@b/\""}) {
    EXPECT_THAT(ErrorOf(std::string("advertise-page: ") + page + "\n"), HasSubstr("expected the address of a page")) << page;
  }
  EXPECT_THAT(ErrorOf("listen: [a, b]\n"), HasSubstr("lab.yaml:1: listen: a single value"));
  EXPECT_THAT(ErrorOf("listen: a\nlisten: b\n"), HasSubstr("lab.yaml:2: listen is set twice"));
  EXPECT_THAT(ErrorOf("- a\n"), HasSubstr("lab.yaml:1"));
  EXPECT_THAT(ErrorOf("listen: {a\n"), HasSubstr("lab.yaml:"));
  EXPECT_THAT(ErrorOf("? {a: b}\n: c\n"), HasSubstr("a key is expected"));
  EXPECT_THAT(std::string(ReadConfigFile("/nonexistent.yaml").status().message()), HasSubstr("--config /nonexistent.yaml"));
}

TEST_F(ConfigFile, DumpReadsBackAsTheSame) {
  ServerOptions options;
  options.listen = "0.0.0.0:1";
  options.memory_max = 12345;
  options.drain_time = absl::Milliseconds(250);
  options.log_level = LogLevel::kWarning;
  options.runs_age_of = {{"ada", absl::Hours(24)}, {"bob.b", absl::ZeroDuration()}};
  options.data_dir = "a \"quoted\" \\ folder: # \xC3\xA9";
  const auto read = Read(DumpConfig(options));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->size(), ServerOptionList().size());
  const std::vector<OptionValues> sources{*read};
  const auto again = MakeOptions(sources);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->data_dir, options.data_dir);
  EXPECT_EQ(DumpConfig(*again), DumpConfig(options));
}

TEST(Options, TheLastSourceWins) {
  const auto environment = [](const std::string& name) -> const char* {
    return name == "ALLOCLAB_GRAFANA_URL" || name == "ALLOCLAB_DATA_DIR" ? "variable" : nullptr;
  };
  const OptionValues file{{"prometheus-url", {"file", "f"}}, {"data-dir", {"file", "f"}}, {"grafana-url", {"file", "f"}}};
  const OptionValues flags{{"data-dir", {"flag", "--data-dir"}}};
  const std::vector<OptionValues> sources{file, ReadVariables(environment), flags};
  const auto options = MakeOptions(sources);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->data_dir, "flag");
  EXPECT_EQ(options->grafana_url, "variable");
  EXPECT_EQ(options->prometheus_url, "file");
  EXPECT_EQ(options->listen, ServerOptions().listen);
}

TEST(Options, TextsArePrintable) {
  for (const auto& [text, shown] : {std::pair("a\nb", "a\\x0ab"), std::pair("\xFF", "\xFF")}) {
    const std::vector<OptionValues> sources{{{"data-dir", {text, "--data-dir"}}}};
    EXPECT_THAT(std::string(MakeOptions(sources).status().message()),
                HasSubstr(std::string("--data-dir: \"") + shown + "\" is not printable text in UTF-8"));
  }
}

TEST(Options, AgesAreDaysOrDurations) {
  const auto made = [](const std::string& text) {
    const std::vector<OptionValues> sources{{{"runs-age-of", {text, "--runs-age-of"}}, {"runs-age", {"30d", "--runs-age"}}}};
    return MakeOptions(sources);
  };
  EXPECT_EQ(made("")->runs_age, absl::Hours(720));
  EXPECT_THAT(made("")->runs_age_of, testing::IsEmpty());
  EXPECT_THAT(made("ada=365d,bob=0,eve=90s")->runs_age_of,
              testing::ElementsAre(testing::Pair("ada", absl::Hours(24 * 365)), testing::Pair("bob", absl::ZeroDuration()),
                                   testing::Pair("eve", absl::Seconds(90))));
  for (const auto& [text, says] : {std::pair<std::string, std::string>{"ada", "\"ada\": expected NAME=AGE"},
                                   {"ada=", "of ada \"\": expected 30d, 12h"},
                                   {"ada=3661d", "up to 3660 days"},
                                   {"ada=99999999999999999999d", "up to 3660 days"},
                                   {"ada=4294967296d", "up to 3660 days"},
                                   {"ada=-1d", "of ada \"-1d\""},
                                   {"ada=-5s", "of ada \"-5s\""},
                                   {"ada=inf", "up to 3660 days"},
                                   {"ada=1d,ada=2d", "ada is there twice"},
                                   {"a b=1d", "a b"},
                                   {"=1d", "1 to 64"}}) {
    EXPECT_THAT(std::string(made(text).status().message()), testing::AllOf(HasSubstr("--runs-age-of: "), HasSubstr(says)))
        << text;
  }
  std::string many;
  for (int i = 0; i < 257; ++i) many += "n" + std::to_string(i) + "=1d,";
  EXPECT_THAT(std::string(made(many).status().message()), HasSubstr("257 names; at most 256"));
}

TEST(Options, ErrorsNameTheVariableOrFlag) {
  const std::vector<OptionValues> sources{{{"run-threads", {"x", "ALLOCLAB_RUN_THREADS"}}}};
  EXPECT_THAT(std::string(MakeOptions(sources).status().message()), HasSubstr("ALLOCLAB_RUN_THREADS: "));
}

}  // namespace
}  // namespace alloclab::server
