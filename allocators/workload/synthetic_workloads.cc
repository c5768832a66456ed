#include "allocators/workload/synthetic_workloads.h"

#include <cstdint>

#include "absl/strings/str_format.h"

namespace alloclab {
namespace {

// A server in its stride: many small objects, few large ones, lifetimes without order.
WorkloadSpec SteadyState() {
  const ExponentialSize size{.mean = 120, .max = 16384};
  return {.name = "steady-state",
          .seed = 1,
          .phases = {{.name = "fill", .operations = 20'000, .live_blocks = 20'000, .size = size},
                     {.name = "churn",
                      .operations = 480'000,
                      .live_blocks = 20'000,
                      .size = size,
                      .malloc_weight = 8,
                      .calloc_weight = 1,
                      .realloc_weight = 1}}};
}

WorkloadSpec RampAndDrain() {
  const UniformSize size{.min = 16, .max = 512};
  return {
      .name = "ramp-and-drain",
      .seed = 1,
      .phases = {
          {.name = "ramp", .operations = 150'000, .live_blocks = 50'000, .size = size},
          {.name = "drain oldest first", .operations = 50'000, .live_blocks = 0, .size = size, .free_order = FreeOrder::kFifo},
          {.name = "ramp again", .operations = 150'000, .live_blocks = 50'000, .size = size},
          {.name = "drain newest first",
           .operations = 50'000,
           .live_blocks = 0,
           .size = size,
           .free_order = FreeOrder::kLifo}}};
}

// Larson and Krishnan, Memory Allocation for Long-Running Server Applications, 1998: every worker replaces random blocks of a
// working set that it took over from another.
WorkloadSpec Larson() {
  WorkloadSpec spec{.name = "larson", .seed = 1, .phases = {}};
  spec.phases.push_back({.name = "fill", .operations = 10'000, .live_blocks = 10'000, .size = UniformSize{10, 500}});
  for (int worker = 1; worker <= 4; ++worker) {
    spec.phases.push_back({.name = absl::StrFormat("worker %d", worker),
                           .operations = 100'000,
                           .live_blocks = 10'000,
                           .size = UniformSize{10, 500}});
  }
  return spec;
}

WorkloadSpec Checkerboard() {
  return {
      .name = "checkerboard",
      .seed = 1,
      .phases = {
          {.name = "fill", .operations = 60'000, .live_blocks = 60'000, .size = FixedSize{60}},
          {.name = "free every other",
           .operations = 30'000,
           .live_blocks = 30'000,
           .size = FixedSize{60},
           .free_order = FreeOrder::kEveryOther},
          {.name = "ask for a little more", .operations = 20'000, .live_blocks = 50'000, .size = FixedSize{92}},
          {.name = "churn", .operations = 100'000, .live_blocks = 50'000, .size = WeightedSizes{{{60, 1}, {92, 2}, {124, 1}}}},
          {.name = "drain", .operations = 50'000, .live_blocks = 0, .size = FixedSize{60}}}};
}

// Text and data segments, stacks and single pages of page tables and pipes.
WorkloadSpec ForkExecExit() {
  const WeightedSizes segments{{{1, 40}, {2, 20}, {4, 15}, {8, 12}, {16, 8}, {64, 4}, {256, 1}}};
  return {.name = "fork-exec-exit",
          .seed = 1,
          .phases = {{.name = "boot", .operations = 2'000, .live_blocks = 2'000, .size = segments, .pages = true},
                     {.name = "fork, exec, exit", .operations = 150'000, .live_blocks = 2'000, .size = segments, .pages = true},
                     {.name = "short-lived children",
                      .operations = 100'000,
                      .live_blocks = 4'000,
                      .size = WeightedSizes{{{1, 3}, {2, 1}}},
                      .free_order = FreeOrder::kLifo,
                      .pages = true},
                     {.name = "shutdown", .operations = 4'000, .live_blocks = 0, .size = segments, .pages = true}}};
}

// Up and down again, seven times: what a garbage collector or a batch job does to a heap.
WorkloadSpec Sawtooth() {
  WorkloadSpec spec{.name = "sawtooth", .seed = 1, .phases = {}};
  for (int tooth = 1; tooth <= 7; ++tooth) {
    spec.phases.push_back({.name = absl::StrFormat("rise %d", tooth),
                           .operations = 30'000,
                           .live_blocks = 20'000,
                           .size = LognormalSize{64, 100, 16'384}});
    spec.phases.push_back(
        {.name = absl::StrFormat("fall %d", tooth), .operations = 18'000, .live_blocks = 2'000, .size = FixedSize{}});
  }
  return spec;
}

WorkloadSpec PlateauAndPeak() {
  const LognormalSize size{96, 120, 65'536};
  return {.name = "plateau-and-peak",
          .seed = 1,
          .phases = {{.name = "start", .operations = 15'000, .live_blocks = 15'000, .size = size},
                     {.name = "plateau", .operations = 120'000, .live_blocks = 15'000, .size = size},
                     {.name = "peak", .operations = 60'000, .live_blocks = 45'000, .size = size},
                     {.name = "back", .operations = 40'000, .live_blocks = 15'000, .size = size},
                     {.name = "plateau again", .operations = 120'000, .live_blocks = 15'000, .size = size}}};
}

WorkloadSpec ProducerConsumer() {
  const ZipfSizes messages{{64, 128, 32, 256, 1024, 4096}, 100};
  return {.name = "producer-consumer",
          .seed = 1,
          .phases = {
              {.name = "fill the queue",
               .operations = 4'000,
               .live_blocks = 4'000,
               .size = messages,
               .free_order = FreeOrder::kFifo},
              {.name = "steady", .operations = 200'000, .live_blocks = 4'000, .size = messages, .free_order = FreeOrder::kFifo},
              {.name = "the consumer falls behind",
               .operations = 60'000,
               .live_blocks = 30'000,
               .size = messages,
               .free_order = FreeOrder::kFifo},
              {.name = "and catches up",
               .operations = 60'000,
               .live_blocks = 4'000,
               .size = messages,
               .free_order = FreeOrder::kFifo}}};
}

// Each tooth twice as wide as the holes between the last ones.
WorkloadSpec Comb() {
  WorkloadSpec spec{.name = "comb", .seed = 1, .phases = {}};
  std::uint32_t live = 0, teeth = 32'768;
  for (std::uint32_t bytes = 24; bytes <= 8184; bytes = 2 * bytes + 8, teeth /= 2) {
    spec.phases.push_back({.name = absl::StrFormat("teeth of %d", bytes),
                           .operations = teeth,
                           .live_blocks = live + teeth,
                           .size = FixedSize{bytes}});
    const std::uint32_t gone = (live + teeth + 1) / 2;
    live = live + teeth - gone;
    spec.phases.push_back({.name = "every other one",
                           .operations = gone,
                           .live_blocks = live,
                           .size = FixedSize{bytes},
                           .free_order = FreeOrder::kEveryOther});
  }
  return spec;
}

WorkloadSpec ProcessMix() {
  Phase phase{.name = "forty programs", .operations = 300'000, .size = LognormalSize{80, 130, 32'768}};
  phase.malloc_weight = 20;
  phase.calloc_weight = 2;
  phase.realloc_weight = 2;
  phase.lifetime = HistogramSizes{{{1, 200, 60}, {200, 4'000, 30}, {4'000, 400'000, 10}}};
  phase.processes = 40;
  phase.process_lifetime = ExponentialSize{20'000, 200'000};
  phase.pages_weight = 3;
  phase.page_size = WeightedSizes{{{1, 60}, {2, 20}, {4, 12}, {16, 6}, {64, 2}}};
  return {.name = "process-mix", .seed = 1, .phases = {phase}};
}

WorkloadSpec RtosLoop() {
  Phase phase{
      .name = "messages", .operations = 200'000, .size = WeightedSizes{{{16, 40}, {32, 30}, {64, 20}, {256, 8}, {1'536, 2}}}};
  phase.lifetime = HistogramSizes{{{2, 8, 80}, {8, 64, 18}, {1'000, 5'000, 2}}};
  return {.name = "rtos-loop",
          .seed = 1,
          .phases = {{.name = "tasks and queues",
                      .operations = 40,
                      .live_blocks = 40,
                      .size = WeightedSizes{{{512, 8}, {1'024, 4}, {88, 28}}}},
                     phase}};
}

WorkloadSpec Compiler() {
  const ZipfSizes nodes{{40, 24, 56, 16, 72, 96, 128, 200, 512, 4'096}, 110};
  Phase parse{.name = "parse", .operations = 60'000, .size = nodes};
  parse.lifetime = HistogramSizes{{{1, 30, 25}, {50'000, 400'000, 75}}};
  Phase optimise{.name = "function by function", .operations = 240'000, .size = nodes};
  optimise.malloc_weight = 16;
  optimise.realloc_weight = 1;
  optimise.lifetime = HistogramSizes{{{1, 100, 50}, {100, 6'000, 45}, {20'000, 300'000, 5}}};
  optimise.processes = 1;
  optimise.process_lifetime = LognormalSize{3'000, 90, 40'000};
  return {.name = "compiler", .seed = 1, .phases = {parse, optimise}};
}

WorkloadSpec WebRequests() {
  Phase serve{.name = "serve", .operations = 300'000, .size = ParetoSize{24, 116, 262'144}};
  serve.malloc_weight = 16;
  serve.calloc_weight = 1;
  serve.realloc_weight = 2;
  serve.lifetime = HistogramSizes{{{1, 60, 70}, {60, 3'000, 25}, {3'000, 150'000, 5}}};
  serve.processes = 64;
  serve.process_lifetime = LognormalSize{2'000, 100, 60'000};
  return {.name = "web-requests", .seed = 1, .phases = {serve}};
}

WorkloadSpec GameTick() {
  Phase play{.name = "play", .operations = 300'000, .size = LognormalSize{128, 100, 131'072}};
  play.lifetime = HistogramSizes{{{1, 900, 90}, {900, 20'000, 8}, {50'000, 300'000, 2}}};
  play.burst_every = 1'000;
  play.burst_blocks = 300;
  return {.name = "game-tick",
          .seed = 1,
          .phases = {
              {.name = "load the level", .operations = 3'000, .live_blocks = 3'000, .size = LognormalSize{1'024, 150, 524'288}},
              play}};
}

}  // namespace

std::vector<SyntheticWorkload> SyntheticWorkloads() {
  return {
      {"20,000 live blocks of mostly small sizes, freed in random order, with some calloc and realloc",
       "A server in its stride: many small objects, few large ones, lifetimes without order.", SteadyState()},
      {"up to 50,000 live blocks and down again, oldest first, then newest first",
       "A program that builds everything and drops it, twice: as a queue would, and as a stack would.", RampAndDrain()},
      {"four workers, each of which replaces random blocks of the set that the one before it left",
       "P. Larson and M. Krishnan, Memory Allocation for Long-Running Server Applications, ISMM 1998.", Larson()},
      {"a fragmenter: fills with equal blocks, frees every other one, then asks for slightly larger ones",
       "No hole is large enough for what comes next. P. R. Wilson and others, Dynamic Storage Allocation: A Survey and "
       "Critical "
       "Review, IWMM 1995, section 2.3.",
       Checkerboard()},
      {"blocks of pages only: segments, stacks and single pages of processes that come and go",
       "What a kernel's page allocator sees. U. Vahalia, UNIX Internals, 1996, chapter 12.", ForkExecExit()},
      {"up to 20,000 live blocks and down to 2,000, seven times",
       "Ramps, as Wilson and others (1995, section 2.4) call them: a garbage collector's or a batch job's heap. What is left "
       "of each "
       "fall lies scattered in the next rise.",
       Sawtooth()},
      {"15,000 live blocks for long, three times as many for a short while, then 15,000 again",
       "Plateaus and peaks (Wilson and others 1995, section 2.4). Whether the heap comes down after the peak, and what the "
       "peak leaves "
       "behind, tells allocators apart.",
       PlateauAndPeak()},
      {"a queue of messages: first in, first out; the consumer falls behind once and catches up",
       "Blocks die in the order of their birth, so free memory moves through the heap as a wave. E. D. Berger and others, "
       "Hoard, "
       "ASPLOS 2000, has this program between threads.",
       ProducerConsumer()},
      {"frees every other block, then asks for twice their size, from 24 bytes to 8 KiB",
       "Every hole is too small by a header for the next size, whatever the policy: what only moving blocks would mend. A "
       "simple form "
       "of Robson's program (see robson), which needs no addresses.",
       Comb()},
      {"forty programs that start and end, with blocks of the heap and of pages",
       "fork, exec and exit seen from one machine: each program frees what it has when it ends, in one go, while the others go "
       "on.",
       ProcessMix()},
      {"short-lived messages of five sizes beside tasks and queues that stay",
       "What an embedded system's loop does after its start. M. Masmano and others, TLSF, ECRTS 2004, measures allocators with "
       "loads "
       "of this kind.",
       RtosLoop()},
      {"a syntax tree that stays, then function after function whose blocks die together",
       "The phases of a compiler: parsing keeps most of what it allocates; optimising one function drops all of it at its end. "
       "B. Zorn and "
       "D. Grunwald, Evaluating Models of Memory Allocation, TOMACS 4 (1994), found such lives in gcc.",
       Compiler()},
      {"64 requests at a time, of sizes with a heavy tail, and sessions that outlive them",
       "A web server without pools: most blocks die with their request. Sizes of web objects follow Pareto's law: M. Crovella "
       "and A. "
       "Bestavros, Self-Similarity in World Wide Web Traffic, SIGMETRICS 1996.",
       WebRequests()},
      {"every tick 300 blocks at once that are gone by the next, and assets that stay",
       "A frame loop: bursts of temporaries over a level of large blocks. J. Gregory, Game Engine Architecture, 3rd edition "
       "2018, 6.2, "
       "says why engines write allocators for it.",
       GameTick()},
  };
}

}  // namespace alloclab
