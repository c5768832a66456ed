#include "server/metrics/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "server/http/metric_family.h"

namespace alloclab::server {
namespace {

using prometheus::MetricType;

// Fields 3 onwards of /proc/self/stat: those after the name, which may itself hold spaces (proc(5)).
struct ProcessStat {
  double user_ticks = 0, system_ticks = 0, threads = 0, start_ticks = 0, virtual_bytes = 0, resident_pages = 0;
};

bool Read(ProcessStat& stat) {
  std::ifstream file("/proc/self/stat");
  std::string line;
  if (!std::getline(file, line) || line.rfind(')') == std::string::npos) return false;
  std::istringstream fields(line.substr(line.rfind(')') + 2));
  std::string skipped;
  const auto skip = [&](int count) {
    for (int i = 0; i < count; ++i) fields >> skipped;
  };
  skip(11);  // state to cmajflt
  fields >> stat.user_ticks >> stat.system_ticks;
  skip(4);  // cutime to nice
  fields >> stat.threads;
  skip(1);  // itrealvalue
  fields >> stat.start_ticks >> stat.virtual_bytes >> stat.resident_pages;
  return static_cast<bool>(fields);
}

double BootTime() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;) {
    double seconds = 0;
    if (word == "btime" && file >> seconds) return seconds;
  }
  return 0;
}

double OpenDescriptors() {
  std::error_code error;
  const std::filesystem::directory_iterator begin("/proc/self/fd", error);
  return error ? 0 : static_cast<double>(std::distance(begin, std::filesystem::directory_iterator())) - 1;  // without this one
}

void AddOne(std::vector<prometheus::MetricFamily>& families, std::string_view name, std::string_view help, MetricType type,
            double value) {
  Family family(name, help, type);
  family.Add({}, value);
  families.push_back(std::move(family).Take());
}

}  // namespace

void AddProcessFamilies(std::vector<prometheus::MetricFamily>& families) {
  ProcessStat stat;
  if (!Read(stat)) return;
  const auto tick = static_cast<double>(sysconf(_SC_CLK_TCK)), page = static_cast<double>(sysconf(_SC_PAGESIZE));
  rlimit descriptors{};
  getrlimit(RLIMIT_NOFILE, &descriptors);
  AddOne(families, "process_cpu_seconds_total", "Processor time used, user and system.", MetricType::Counter,
         (stat.user_ticks + stat.system_ticks) / tick);
  AddOne(families, "process_resident_memory_bytes", "Resident memory.", MetricType::Gauge, stat.resident_pages * page);
  AddOne(families, "process_virtual_memory_bytes", "Virtual memory.", MetricType::Gauge, stat.virtual_bytes);
  AddOne(families, "process_open_fds", "Open file descriptors.", MetricType::Gauge, OpenDescriptors());
  AddOne(families, "process_max_fds", "Most file descriptors that may be open.", MetricType::Gauge,
         static_cast<double>(descriptors.rlim_cur));
  AddOne(families, "process_threads", "Threads.", MetricType::Gauge, stat.threads);
  AddOne(families, "process_start_time_seconds", "When the process started, in seconds since 1970.", MetricType::Gauge,
         BootTime() + stat.start_ticks / tick);
}

}  // namespace alloclab::server
