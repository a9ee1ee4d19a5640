// Rows of tables that time whole attention modules.
#include <algorithm>

#include <fmt/format.h>

#include "fivefold/evidence/kernel_rows.h"
#include "fivefold/kernel/parameters.h"
#include "fivefold/workload/layer.h"

namespace fivefold {
namespace {

// What a table's name says of its rows.
struct ModuleTable {
  std::string_view kind;
  bool decode = false;
  bool sparse = false;  // DSA or DeepSeek-V4
  bool wide = false;
};
constexpr ModuleTable kModuleTables[] = {{"mla_context_module"},
                                         {"mla_generation_module", true},
                                         {"wideep_context_mla", false, false, true},
                                         {"wideep_generation_mla", true, false, true},
                                         {"dsa_context_module", false, true},
                                         {"dsa_generation_module", true, true},
                                         {"dsv4_csa_context_module", false, true},
                                         {"dsv4_csa_generation_module", true, true},
                                         {"dsv4_hca_context_module", false, true},
                                         {"dsv4_hca_generation_module", true, true}};

const ModuleTable* module_table(std::string_view kind) {
  const auto* const found = std::find_if(std::begin(kModuleTables), std::end(kModuleTables),
                                         [&](const ModuleTable& t) { return t.kind == kind; });
  return found == std::end(kModuleTables) ? nullptr : found;
}

// GLM-5.2's layers share what the indexer of one of them chose: the tables time its other layers,
// which are GLM-5's without an indexer.
std::string_view catalogued(std::string_view model) {
  return model.find("/GLM-5.2") != model.npos ? "zai-org/GLM-5" : model;
}

// "flashmla_kv" of "sglang_dsa_skip_indexer_flashmla_kv": the core's kernel.
std::string core_kernel(std::string_view source) {
  for (const std::string_view prefix :
       {"sglang_dsa_skip_indexer_", "sglang_dsa_indexer_", "sglang_dsa_"}) {
    if (source.starts_with(prefix)) return std::string(source.substr(prefix.size()));
  }
  return std::string(source);
}

// The first layer with this attention; V4's are told by how many tokens a key stands for.
const LayerGroup* layer_of(const Model& model, double ratio) {
  for (const LayerGroup& layer : model.layers) {
    const auto* compressed = std::get_if<CompressedAttention>(&layer.attention);
    if (std::holds_alternative<MlaAttention>(layer.attention) ||
        (compressed != nullptr && compressed->ratio == ratio))
      return &layer;
  }
  return nullptr;
}

// Engines choose between dense and sparse prefill by all sequences of a batch, which the kernel's
// name tells; a layer knows one.
void follow_kernel(MlaAttention& mla, std::string_view source, double kv_len) {
  if (source.find("skip_indexer") != source.npos) mla.index_heads = 0;
  const bool dense = source.find("dense_mha") != source.npos;
  if (dense) mla.index_topk = std::max(mla.index_topk, static_cast<int>(kv_len));
  if (!dense && kv_len <= mla.index_topk)
    mla.index_topk = std::max(1, static_cast<int>(kv_len) - 1);
}

// SGLang's FlashAttention-3 takes expanded prefill as it takes attention of as many heads of keys.
Family family_in(const Op& op, std::string_view source) {
  return op.family == Family::kMlaPrefill && source.ends_with("fa3") ? Family::kAttentionPrefill
                                                                     : op.family;
}

ModuleRest dense_rest(const Model& model, const Batch& batch, const Precision& precision,
                      double heads, bool indexed, const OpList& ops) {
  return {.kind = indexed ? ModuleKind::kDenseIndexed : ModuleKind::kDense,
          .batch = batch.sequences,
          .q_len = batch.q_len,
          .kv_len = batch.context + batch.q_len,
          .hidden = double(model.hidden),
          .heads = heads,
          .calls = module_calls(ops, false),
          .step = batch.decode,
          .compute = precision.attention,
          .cache = precision.cache,
          .index = precision.attention,
          .products = precision.gemm_b};
}

}  // namespace

bool is_module_table(std::string_view kind) {
  return module_table(kind) != nullptr;
}

KernelRow module_row(const CsvTable& table, std::size_t row, RowNumbers& number,
                     std::string_view kind, const Catalog& catalog) {
  const ModuleTable& timed = *module_table(kind);
  const char* family = timed.sparse ? "sparse_attention" : "attention_module";
  const std::string_view named = table.at(row, "model");
  const auto model = catalog.model(std::string(catalogued(named)));
  if (!model) return refuse(family, fmt::format("model '{}' is not in the catalog", named));
  const auto compute = kernel_format(table.at(row, "mla_dtype")),
             cache = kernel_format(table.at(row, "kv_cache_dtype")),
             gemm = kernel_format(table.at(row, "gemm_type"));
  if (!compute || !cache || !gemm) return refuse(family, "format is not modelled");
  const LayerGroup* found = layer_of(**model, number.or_zero("compress_ratio"));
  const double heads = number("num_heads");
  if (found == nullptr || heads <= 0) return refuse(family, "attention is not MLA");
  LayerGroup layer = *found;
  layer.ffn = std::monostate{};
  layer.norms = 0;
  layer.streams = 1;
  const Batch batch{.sequences = number("batch_size"),
                    .q_len = timed.decode ? 1 : number("isl"),
                    .context = timed.decode ? number("isl") + number("step") - 1 : number("step"),
                    .decode = timed.decode};
  Precision precision;
  precision.gemm_a = precision.gemm_b = *gemm;
  // A core is said to compute in the format of the products, which no kernel of MLA does.
  precision.attention = is_narrow(*compute) ? Format::kBf16 : *compute;
  // Modules of wide-EP write FP8 for a cache of which they read BF16: their steps take as long as
  // those of that cache, where converting one of FP8 would take several times as much.
  precision.cache = timed.wide ? Format::kBf16 : *cache;
  double all_heads = heads;
  const std::string_view source = table.at(row, "kernel_source");
  if (auto* mla = std::get_if<MlaAttention>(&layer.attention)) {
    follow_kernel(*mla, source, batch.context + batch.q_len);
    all_heads = mla->heads;
  } else {
    all_heads = std::get<CompressedAttention>(layer.attention).heads;
  }
  const Shard shard{.tp = std::max(1, static_cast<int>(all_heads / heads))};
  KernelRow result{family, {}, {}, precision.attention, {}, core_kernel(source)};
  const OpList ops = layer_ops(**model, layer, shard, batch, precision);
  for (const Op& op : ops) {
    for (int i = 0; i < static_cast<int>(op.repeat); ++i)
      result.operators.emplace_back(family_in(op, source), op.shape);
  }
  if (result.operators.empty()) return refuse(family, "the layer has no attention");
  if (!std::holds_alternative<ModuleRest>(result.operators.back().second)) {
    const ModuleRest rest = dense_rest(**model, batch, precision, heads, timed.sparse, ops);
    result.operators.emplace_back(family_of(rest), rest);
  }
  const auto& rest = std::get<ModuleRest>(result.operators.back().second);
  const std::string_view variant = variant_name(family_of(rest), variant_of(rest));
  result.listed = variant.empty() ? name(family_of(rest)) : variant;
  return result;
}

void set_beside(const KernelModel& model, KernelRow& row) {
  auto* rest = std::get_if<ModuleRest>(&row.operators.back().second);
  if (rest == nullptr) return;
  rest->beside = Seconds(0);
  for (std::size_t i = 0; i + 1 < row.operators.size(); ++i)
    rest->beside += model.time(row.operators[i].first, row.operators[i].second).time;
}

}  // namespace fivefold
