// Models in the catalog's own short form (catalog/models/*.yaml).
//
//   models:
//     - id: deepseek-ai/DeepSeek-V3
//       name: DeepSeek-V3
//       aliases: [deepseek-v3]
//       family: deepseek_v3
//       source: [arxiv:2412.19437]
//       published: {total: 671e9, active: 37e9}
//       hidden: 7168
//       vocabulary: 129280
//       weights: fp8_block
//       parts:
//         mla: {kind: mla, heads: 128, q_rank: 1536, kv_rank: 512, nope_dim: 128, rope_dim: 64,
//         v_dim: 128} dense: {kind: ffn, width: 18432} moe: {kind: moe, experts: 256, active: 8,
//         width: 2048, shared: 1, router_bias: true}
//       layers:             # how many, of which parts
//         - [3, mla, dense]
//         - [58, mla, moe]
//       mtp: [1, mla, moe]
//
// A detector known only by its published figures has `image: {gflops: 136, parameters: 42e6}`
// instead.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fivefold/catalog/model.h"

namespace fivefold {

// The entries under `models:`; other keys of the file are not looked at. Reports every problem.
Result<std::vector<Model>> read_models(const std::string& file, std::string_view text);

}  // namespace fivefold
