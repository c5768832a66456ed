// Whose share is the largest of what is full: he makes room for more.
#ifndef ALLOCLAB_SERVER_COLLECTIONS_OWNER_WITH_MOST_H_
#define ALLOCLAB_SERVER_COLLECTIONS_OWNER_WITH_MOST_H_

#include <cstdint>
#include <map>
#include <string>

namespace alloclab::server {

// By owner, nobody as one. Of several with as much `newcomer`, if he is among them: nobody makes another lose what he himself
// has as much of. REQUIRES: he is one of the owners.
inline std::string OwnerWithMost(const std::map<std::string, std::uint64_t>& of_owner, const std::string& newcomer) {
  auto most = of_owner.find(newcomer);
  for (auto other = of_owner.begin(); other != of_owner.end(); ++other) {
    if (other->second > most->second) most = other;
  }
  return most->first;
}

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_COLLECTIONS_OWNER_WITH_MOST_H_
