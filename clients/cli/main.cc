// alloclab: the command line of the lab.
#include "clients/cli/application.h"

int main(int argc, char** argv) { return alloclab::client::RunCommandLine({argv + 1, argv + argc}); }
