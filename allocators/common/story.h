// An allocator's story, for who chooses one: about ten lines.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_STORY_H_
#define ALLOCLAB_ALLOCATORS_COMMON_STORY_H_

#include <string>
#include <string_view>
#include <utility>

namespace alloclab {

struct Story {
  std::string_view ran;   // where it ran and runs, and whose it is
  std::string_view good;  // what it is good at
  std::string_view bad;   // and bad at
};

// The description of an entry of the catalogue: a paragraph that says what it is, and one for each part of the story, which
// begins with what it tells and a colon. Lists show the first one alone.
inline std::string Described(std::string_view summary, const Story& story) {
  std::string described(summary);
  for (const auto& [what, text] :
       {std::pair("Where it ran", story.ran), std::pair("Good at", story.good), std::pair("Bad at", story.bad)}) {
    described.append("\n\n").append(what).append(": ").append(text);
  }
  return described;
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_STORY_H_
