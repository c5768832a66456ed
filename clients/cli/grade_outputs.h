// Grades in the forms that others read.
#ifndef ALLOCLAB_CLIENTS_CLI_GRADE_OUTPUTS_H_
#define ALLOCLAB_CLIENTS_CLI_GRADE_OUTPUTS_H_

#include <string>

#include "alloclab/v1/grade.pb.h"
#include "clients/common/document.h"

namespace alloclab::client {

// The table that students know, of one program; of many, a line for each.
Document GradeDocument(const v1::GradeReport& report);
// JUnit XML: a suite for each program, a case for each trace.
std::string ToJunit(const v1::GradeReport& report);
// results.json of Gradescope, of one program.
std::string ToGradescope(const v1::Grade& grade);
// The last line that Autolab reads, of one program: {"scores": {...}}.
std::string ToAutolab(const v1::Grade& grade);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_GRADE_OUTPUTS_H_
