// What has changed from one message to the next, as JSON that patches the JSON of the first (proto/converters/json.h):
//
//   of a message or a map  {"heap": CHANGE, "at": null}: these fields have changed, or are gone; the others are as they were
//   of a list              {"3": [7, 8], "9": [1]}: from index 3 on these two, from index 9 on this one; it may have become
//                          longer. One that has become shorter comes as a list: all of it anew
//   of all else            the new value, also where there was none
#ifndef ALLOCLAB_SERVER_WEB_MESSAGE_DELTA_H_
#define ALLOCLAB_SERVER_WEB_MESSAGE_DELTA_H_

#include <string>

#include "google/protobuf/message.h"

namespace alloclab::server {

// "{}": nothing. REQUIRES: two messages of one type.
std::string Delta(const google::protobuf::Message& before, const google::protobuf::Message& after);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_WEB_MESSAGE_DELTA_H_
