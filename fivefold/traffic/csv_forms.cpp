#include "fivefold/traffic/csv_forms.h"

namespace fivefold::csv {

const std::vector<CsvForm>& forms() {
  static const std::vector<CsvForm> all = {
      {"azure",
       Time::kDate,
       {{"TIMESTAMP", Role::kArrival, true},
        {"ContextTokens", Role::kInput, true},
        {"GeneratedTokens", Role::kOutput, true},
        {"NumImages", Role::kImages}}},
      {"burstgpt",
       Time::kSeconds,
       {{"Timestamp", Role::kArrival, true},
        {"Request tokens", Role::kInput, true},
        {"Response tokens", Role::kOutput, true}}},
      {"splitwise",
       Time::kSeconds,
       {{"arrival_timestamp", Role::kArrival, true},
        {"prompt_size", Role::kInput, true},
        {"token_size", Role::kOutput, true},
        {"application_id", Role::kTenant},
        {"batch_size", Role::kCopies}}},
      {"vidur",
       Time::kSeconds,
       {{"num_prefill_tokens", Role::kInput, true},
        {"num_decode_tokens", Role::kOutput, true},
        {"arrived_at", Role::kArrival}}},
      {"sharegpt",
       Time::kNanoseconds,
       {{"arrival_ns", Role::kArrival, true},
        {"input_tokens", Role::kInput, true},
        {"output_tokens", Role::kOutput, true}}},
      {"own",
       Time::kSeconds,
       {{"arrival_s", Role::kArrival, true},
        {"input_tokens", Role::kInput, true},
        {"output_tokens", Role::kOutput, true},
        {"tenant", Role::kTenant},
        {"priority", Role::kPriority},
        {"images", Role::kImages}},
       true},
  };
  return all;
}

}  // namespace fivefold::csv
