// Loads: read from traces of real services, drawn from distributions, repeated and scaled.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/base/error.h"
#include "fivefold/traffic/requests.h"

namespace fivefold {

// A trace by its columns, compressed (gz, xz) or not:
//   Azure 2023, 2024   TIMESTAMP,ContextTokens,GeneratedTokens
//   Azure multimodal   TIMESTAMP,NumImages,ContextTokens,GeneratedTokens
//   Mooncake           JSONL: timestamp (ms), input_length, output_length, hash_ids (512 tokens)
//   BurstGPT           Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
//   Splitwise          request_id,request_type,application_id,arrival_timestamp,batch_size,
//                      prompt_size,token_size
//   Vidur              num_prefill_tokens,num_decode_tokens,...: lengths alone, or with arrived_at
//   APEX               JSONL: StartTimeOffset (ns), ContextTokens, GeneratedTokens
//   Bailian            JSONL: chat_id, timestamp (s), input_length, output_length, hash_ids (16
//                      tokens)
//   recorded runs      JSONL: input_toks, output_toks, arrival_time (s) or arrival_time_ns
//   ShareGPT lengths   arrival_ns,input_tokens,output_tokens
//   ServeGen           a folder or archive of clients: chunk-N-trace.csv, chunk-N-dataset.json
//   one's own          arrival_s,input_tokens,output_tokens[,tenant][,priority][,images]
// Arrivals begin at 0. A load without arrivals has all at 0 and `timed` false. Rows without a token
// in or out are requests that failed: they are left out and counted in `notes`; in one's own form
// they are refused.
// Fails, naming file, line and what would be right, on a missing column, a negative or fractional
// length, a time that goes back, a truncated line or archive, an empty file.
struct ReadLoad {
  RequestLoad load;
  std::string form;   // "azure", "mooncake", ...
  bool timed = true;  // arrivals are the trace's
  std::vector<std::string>
      notes;  // what a reader should know: "12 requests without output tokens left out"
};
struct ReadOptions {
  std::size_t limit = 0;   // the first so many requests; 0: all
  bool sort = false;       // by arrival; a trace out of order is refused otherwise
  double seconds = 600;    // ServeGen: so long a stretch is drawn,
  double begin = 0;        // from here on
  std::uint64_t seed = 1;  // of what is drawn
};
Result<ReadLoad> read_load(const std::string& path, const ReadOptions& options = {});
// The same of one file's text; `file` names it in errors.
Result<ReadLoad> parse_load(std::string_view text, const std::string& file,
                            const ReadOptions& options = {});

// One's own form of it; contents are left out.
std::string load_csv(const RequestLoad& load);
// Mooncake's form, contents included; tenants, priorities and images are left out.
Result<std::string> load_jsonl(const RequestLoad& load);

// Lengths of a drawn request.
struct Lengths {
  enum class Kind : std::uint8_t { kFixed, kUniform, kLognormal, kTrace } kind = Kind::kFixed;
  double input = 4096, output = 1024;  // means, in tokens
  // kUniform: from `spread` of the mean's mirror: [spread * nominal, nominal], as vLLM's
  // random_range_ratio of InferenceX draws; the means above are the nominal lengths then.
  double spread = 1;
  double input_cv = 0, output_cv = 0;  // kLognormal: standard deviation over mean
  const RequestLoad* trace = nullptr;  // kTrace: pairs as in this load, drawn with replacement
};

// Gaps between arrivals: gamma with this coefficient of variation (1: Poisson, 0: equal gaps).
struct Arrivals {
  double rate = 1;  // requests a second
  double cv = 1;
};

RequestLoad draw_load(const Lengths& lengths, const Arrivals& arrivals, std::size_t count,
                      std::uint64_t seed);
// All at 0: for closed loops, where a request arrives when one ends.
RequestLoad draw_closed(const Lengths& lengths, std::size_t count, std::uint64_t seed);

// The load end to end so many times, contents of each repetition its own.
RequestLoad repeated(const RequestLoad& load, int times);
// Arrivals so many times as dense.
RequestLoad scaled(RequestLoad load, double factor);

struct LoadSummary {
  std::size_t requests = 0;
  double span = 0;    // seconds
  double rate = 0;    // requests a second over the span
  double gap_cv = 0;  // standard deviation of gaps over their mean
  double input_mean = 0, input_p50 = 0, input_p99 = 0, input_max = 0;
  double output_mean = 0, output_p50 = 0, output_p99 = 0, output_max = 0;
  // Share of prompt blocks that came before, in an endless cache; no contents: nothing.
  std::optional<double> reuse;
};
LoadSummary summarise(const RequestLoad& load);

}  // namespace fivefold
