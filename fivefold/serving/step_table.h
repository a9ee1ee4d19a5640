// Inside the serving room: step times of one instance from tables, a few lookups a step.
//
// A step of an attention group takes in decoding sequences and chunks of prompts. What grows with
// its tokens alone (products, norms, exchanges) is one function of them; attention over the cache
// is a function of sequences and context for decodes, of chunk and context for prompts. Each is
// tabulated from the closed form and read linearly in between.
#pragma once

#include <vector>

#include "fivefold/serving/step.h"

namespace fivefold::serving {

// What one attention group puts into a step.
struct StepLoad {
  double decodes = 0;         // sequences
  double context = 0;         // tokens in the cache of all decoding sequences together
  double prompts = 0;         // prompts that a chunk is taken of
  double prompt_tokens = 0;   // of all chunks
  double prompt_context = 0;  // tokens before their chunk, summed over the prompts
  double finishing = 0;       // prompts whose last chunk this is: they ask for a token
  double images = 0;          // of prompts that begin: they pass the tower first
};

struct StepTime {
  double time = 0;  // seconds
  double arithmetic = 0, traffic = 0;
};

class StepTable {
 public:
  // Tables up to these: beyond, the last two entries are continued.
  struct Range {
    double sequences = 256, tokens = 8192, context = 8192;
  };
  StepTable(const Instance& instance, const ServingWorkload& options, const Range& range);

  // `slowest`: the group that takes longest; the means are over the groups that step together.
  StepTime time(const StepLoad& slowest, double mean_decodes, double mean_prompt_tokens) const;
  // What decides which group is slowest; comparable within one step.
  double attention_time(const StepLoad& load) const;

 private:
  // Values over one axis, read linearly.
  struct Line {
    std::vector<double> x;
    std::vector<StepTime> y;
    StepTime at(double x) const;
  };
  // Values over two axes, row by row of the first.
  struct Plane {
    std::vector<double> x, y;
    std::vector<StepTime> values;
    StepTime at(double x, double y) const;
  };
  StepTime attention(const StepLoad& load) const;
  double overhead(double kernels, double decodes, double prompts) const;

  struct Rows {  // by tokens: what attention groups do each, and what is done together
    Line attention, ffn;
  };

  Instance in_;
  ServingWorkload options_;
  double drafts_ = 0;
  double stages_ = 1;
  double image_ = 0;             // seconds of one
  double prompt_operators_ = 0;  // of a step with prompts, which no graph holds
  Plane decode_core_;            // attention over the cache: sequences, mean context
  Plane prompt_core_;            // chunk, tokens before it
  Rows decode_rows_, prompt_rows_;
  Line head_;      // by sequences that ask for a token
  Line drafting_;  // by decoding sequences
  // What remains of a step when two micro-batches hide the exchange: by tokens and mean context, or
  // chunk.
  Plane decode_overlap_, prompt_overlap_;
};

}  // namespace fivefold::serving
