#include "fivefold/evidence/training_case.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

namespace fivefold {
namespace {

using Refused = tl::unexpected<std::string>;

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = char(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

// Megatron pads the vocabulary of GPT-2 (50257) to a multiple of 128 x tp; papers print 51200.
constexpr int kGptVocabulary = 51200;

enum class GptStyle { kGpt, kMpt };

// Megatron's GPT: learned positions, biases, LayerNorm, FFN four times as wide, tied head. MPT:
// without positions (ALiBi) and biases.
Model gpt_model(std::string name, int layers, int hidden, int heads, int vocabulary, int seq_len,
                GptStyle style) {
  const bool gpt = style == GptStyle::kGpt;
  Model model;
  model.id = name;
  model.name = std::move(name);
  model.family = "gpt2";
  model.hidden = hidden;
  model.vocabulary = vocabulary;
  model.tied_embeddings = true;
  model.position_parameters = gpt ? double(seq_len) * hidden : 0;
  LayerGroup layer;
  layer.name = "layer";
  layer.count = layers;
  layer.attention = GqaAttention{.heads = heads,
                                 .kv_heads = heads,
                                 .head_dim = hidden / heads,
                                 .qkv_bias = gpt,
                                 .out_bias = gpt};
  layer.ffn = DenseFfn{.width = 4 * hidden, .gated = false, .bias = gpt};
  layer.norm_bias = gpt;
  model.layers = {layer};
  model.origin = "sizes of the row";
  return model;
}

// "LLAMA3_70B cut to 12 layers" -> 12; 0: whole.
int cut_layers(std::string_view name) {
  const auto at = name.find(" cut to ");
  if (at == std::string_view::npos) return 0;
  int layers = 0;
  std::from_chars(name.data() + at + 8, name.data() + name.size(), layers);
  return layers;
}

Model cut_model(Model model, int layers) {
  std::vector<LayerGroup> kept;
  for (LayerGroup group : model.layers) {
    group.count = std::min(group.count, layers);
    layers -= group.count;
    if (group.count > 0) kept.push_back(std::move(group));
  }
  model.layers = std::move(kept);
  return model;
}

std::optional<int> whole(const CsvTable& table, std::size_t row, std::string_view column) {
  const auto value = table.number(row, column);
  if (!value || *value != std::floor(*value)) return std::nullopt;
  return int(*value);
}

struct FormatName {
  std::string_view text;
  Format format;
};
constexpr std::array kFormats = {FormatName{"bf16", Format::kBf16},
                                 FormatName{"amp_bf16", Format::kBf16},
                                 FormatName{"fp16", Format::kFp16},
                                 FormatName{"fp8", Format::kFp8},
                                 FormatName{"fp8 current-scaling", Format::kFp8},
                                 FormatName{"fp8-cs", Format::kFp8},
                                 FormatName{"fp8_tensorwise", Format::kFp8},
                                 FormatName{"fp8_rowwise", Format::kFp8},
                                 FormatName{"fp8-mx", Format::kMxFp8},
                                 FormatName{"mxfp8", Format::kMxFp8},
                                 FormatName{"nvfp4", Format::kNvFp4}};

std::optional<Format> training_format_of(std::string_view text) {
  const std::string precision = lower(text);
  for (const FormatName& known : kFormats) {
    if (known.text == precision) return known.format;
  }
  if (precision.starts_with("fp8 fine-grained")) return Format::kFp8Block;
  return std::nullopt;
}

// What a training software does by default where its tables do not say.
struct Habits {
  std::string_view software;  // begins with
  bool overlap_data = true;   // gradients and weights pass beside compute
  bool overlap_tp = false;
  bool fused_attention = true;
  bool dropout = false;
  double gradient_bytes = 4;
  std::string_view framework = kDefaultFramework;
};
// Megatron-LM and DeepSpeed before FlashAttention store scores and reduce gradients after the last
// micro batch (vTrain, arXiv 2312.12391: no bucketing). FSDP with pure BF16 reduces in 16 bit
// (llm-foundry and fms-fsdp defaults), FSDP2 in FP32 (torchtitan defaults). Megatron-Core overlaps
// all of it, tensor parallelism with user buffers (NeMo performance recipes).
constexpr std::array kHabits = {
    Habits{"Megatron-DeepSpeed", false, false, false, true, 2, "train/megatron-deepspeed"},
    Habits{"Megatron-LM, TE", true, false, true, false, 4, "train/megatron-core"},
    Habits{"Megatron-LM", false, false, false, true, 4},
    Habits{"torchtitan", true, false, true, false, 4, "train/torchtitan"},
    Habits{"llm-foundry", true, false, true, false, 2, "train/llm-foundry"},
    Habits{"PyTorch FSDP", true, false, true, false, 2, "train/fsdp-compiled"},
    Habits{"Megatron-Core", true, true, true, false, 4, "train/megatron-core"},
    Habits{"NeMo 26.06", true, true, true, false, 4, "train/megatron-core-26.06"},
    Habits{"NeMo 26.08", true, true, true, false, 4, "train/megatron-core-26.06"},
    Habits{"NeMo", true, true, true, false, 4, "train/megatron-core"},
};

// FlashAttention was published in May 2022 (arXiv 2205.14135): what is older stores its scores.
constexpr std::string_view kFusedAttentionSince = "2022-06";

Habits habits_of(std::string_view software, std::string_view date) {
  for (const Habits& habits : kHabits) {
    if (software.starts_with(habits.software)) return habits;
  }
  const bool old = !date.empty() && date < kFusedAttentionSince;
  return old ? habits_of("Megatron-LM", {}) : Habits{};
}

// Submitters of MLPerf on Nvidia's chips run Nvidia's NeMo containers, which the configurations
// beside their results show; their rows name the submitter.
Habits habits_of(const CsvTable& table, std::size_t row, const Chip& chip) {
  const bool nemo = table.at(row, "source").starts_with("MLPerf") && chip.vendor == "Nvidia";
  return habits_of(nemo ? "NeMo" : table.at(row, "software"), table.at(row, "date"));
}

// Gigabits a second of one device that a text states: "800 Gbps InfiniBand per node", "400 Gb/s
// RDMA per GPU", "8x HDR 200Gb/s IB per node".
std::optional<BytesPerSecond> stated_network(const System& system, std::string_view text) {
  std::size_t at = text.find("Gb");
  if (at == std::string_view::npos) return std::nullopt;
  std::size_t begin = text.substr(0, at).find_last_not_of(' ');
  if (begin == std::string_view::npos) return std::nullopt;
  const std::size_t end = begin + 1;
  while (begin > 0 && std::isdigit(static_cast<unsigned char>(text[begin - 1]))) --begin;
  double gigabits = 0;
  if (std::from_chars(text.data() + begin, text.data() + end, gigabits).ec != std::errc()) {
    return std::nullopt;
  }
  const bool each = has(text, "per GPU") || has(text.substr(0, begin), "x HDR");
  const double node = system.levels.empty() ? 1 : system.levels.front().size;
  return BytesPerSecond(gigabits * 1e9 / 8 / (each ? 1 : node));
}

// The first system of the catalog that is built of this chip.
const System* system_of(const Catalog& catalog, const Chip& chip) {
  for (const System* system : catalog.systems()) {
    if (system->chip == &chip) return system;
  }
  return nullptr;
}

std::string set_machine(const Catalog& catalog, const CsvTable& table, std::size_t row,
                        TrainingCase& result) {
  const auto chip = catalog.chip(table.at(row, "chip"));
  if (!chip) return "chip not in the catalog";
  result.chip = *chip;
  const System* system = system_of(catalog, **chip);
  if (system == nullptr) return "no system of the chip in the catalog";
  result.system = *system;
  result.framework = habits_of(table, row, **chip).framework;
  result.stack = training_stack(catalog, **chip, result.framework);
  const auto chips = whole(table, row, "chips");
  if (!chips) return "number of chips not published";
  result.chips = *chips;
  for (const std::string_view column : {"system", "notes"}) {
    if (const auto rate = stated_network(*system, table.at(row, column))) {
      result.system.scale_out_per_device = *rate;
      break;
    }
  }
  return {};
}

std::string set_job(const CsvTable& table, std::size_t row, TrainingCase& result) {
  const auto batch = whole(table, row, "global_batch_seqs");
  const auto seq_len = whole(table, row, "seq_len");
  if (!batch) return "global batch not published";
  if (!seq_len) return "sequence length not published";
  const auto format = training_format_of(table.at(row, "precision"));
  if (!format) return "precision ambiguous";
  const Habits habits = habits_of(table, row, *result.chip);
  TrainingJob& job = result.job;
  job.global_batch = *batch;
  job.seq_len = *seq_len;
  job.format = *format;
  job.overlap_grad_reduce = habits.overlap_data;
  job.overlap_param_gather = habits.overlap_data;
  job.overlap_pp = habits.overlap_data;
  job.overlap_tp = habits.overlap_tp;
  job.fused_attention = habits.fused_attention;
  job.dropout = habits.dropout;
  job.gradient_bytes = habits.gradient_bytes;
  job.frozen_base =
      has(table.at(row, "model"), "LoRA") || has(table.at(row, "notes"), "phase: LoRA");
  return {};
}

std::optional<int> zero_stage(std::string_view text, int dp) {
  if (text.empty() || text == "none" || text == "adapters only") return 0;
  if (text == "fsdp_" + std::to_string(dp)) return 3;
  if (text == "distopt(zero1)") return 1;
  if (text == "fsdp_shard_grad_op") return 2;
  if (text == "hsdp" || text == "fsdp_full_shard" || text == "fsdp2" || text == "fsdp") return 3;
  return std::nullopt;
}

// FSDP stacks recompute a choice of layers or operators, which their tables do not print.
std::string set_recompute(std::string_view text, bool fsdp, TrainingCase& result) {
  result.recompute_known = true;
  if (text == "none") {
    result.layout.recompute = Recompute::kNone;
  } else if (text == "full") {
    result.layout.recompute = Recompute::kFull;
  } else if (text.starts_with("selective") && fsdp) {
    return "layers that are recomputed not published";
  } else if (text.starts_with("selective")) {
    result.layout.recompute = Recompute::kSelective;
  } else if (text.empty() || text.starts_with("recipe-default")) {
    result.recompute_known = false;
  } else {
    return "recomputation '" + std::string(text) + "' is not modelled";
  }
  return {};
}

std::string set_schedule(std::string_view text, bool vpp_known, TrainingCase& result) {
  TrainingLayout& l = result.layout;
  l.schedule = l.vpp > 1 ? Schedule::kInterleaved : Schedule::k1F1B;
  if (text.empty() && l.pp > 1 && !vpp_known) return "schedule not published";
  if (text.empty() || text == "none" || text == "1f1b") return {};
  if (text == "interleaved_1f1b") {
    return l.vpp > 1 || l.pp == 1 ? std::string() : "virtual stages not published";
  }
  if (has(text, "not resolved")) return "virtual stages not published";
  return "schedule '" + std::string(text) + "' is not modelled";
}

std::string set_layout(const CsvTable& table, std::size_t row, TrainingCase& result) {
  TrainingLayout& l = result.layout;
  const auto tp = whole(table, row, "tp"), pp = whole(table, row, "pp");
  if (!tp || !pp) return "layout not published";
  l.tp = *tp;
  l.pp = *pp;
  l.cp = whole(table, row, "cp").value_or(1);
  l.ep = whole(table, row, "ep").value_or(1);
  l.vpp = whole(table, row, "vpp").value_or(1);
  const int devices = result.chips * result.chip->devices_per_chip;
  const int model_parallel = l.tp * l.pp * l.cp;
  if (devices % model_parallel != 0) return "layout does not divide the chips";
  l.dp = devices / model_parallel;  // the printed one counts otherwise in some sources
  // One sequence a replica leaves only one micro batch.
  const auto micro_batch = whole(table, row, "micro_batch");
  if (!micro_batch && l.dp != result.job.global_batch) return "micro batch not published";
  l.micro_batch = micro_batch.value_or(1);
  const auto zero = zero_stage(table.at(row, "zero_fsdp"), l.dp);
  if (!zero) return "sharding '" + std::string(table.at(row, "zero_fsdp")) + "' is not modelled";
  l.zero = *zero;
  // Sharded inside a node, copied across.
  if (table.at(row, "zero_fsdp") == "hsdp") l.shard = result.system.devices();
  const std::string_view sp = table.at(row, "sp");
  l.sequence_parallel = l.tp > 1 && sp != "0";
  if (auto reason = set_recompute(table.at(row, "recompute"), l.zero == 3, result);
      !reason.empty()) {
    return reason;
  }
  return set_schedule(table.at(row, "schedule"), whole(table, row, "vpp").has_value(), result);
}

}  // namespace

tl::expected<Model, std::string> training_row_model(const Catalog& catalog, const CsvTable& table,
                                                    std::size_t row) {
  const std::string_view name = table.at(row, "model");
  std::string_view base = name.substr(0, name.find(" cut to "));
  base = base.substr(0, base.find(" LoRA"));
  const int cut = cut_layers(name);
  if (const auto known = catalog.model(base)) {
    return cut > 0 ? cut_model(**known, cut) : **known;
  }
  const std::string kind = lower(base);
  const bool mpt = kind.starts_with("mpt");
  if (!mpt && !kind.starts_with("gpt-") && !kind.starts_with("gpt3") &&
      !kind.starts_with("megatron")) {
    return Refused("model not in the catalog");
  }
  const auto layers = whole(table, row, "layers"), hidden = whole(table, row, "hidden");
  const auto heads = whole(table, row, "heads"), seq_len = whole(table, row, "seq_len");
  if (!layers || !hidden || !heads || !seq_len) return Refused("sizes of the model not published");
  if (*heads < 1 || *hidden % *heads != 0) return Refused("heads do not divide hidden");
  return gpt_model(std::string(base), *layers, *hidden, *heads,
                   whole(table, row, "vocab").value_or(kGptVocabulary), *seq_len,
                   mpt ? GptStyle::kMpt : GptStyle::kGpt);
}

tl::expected<TrainingCase, std::string> training_case(const Catalog& catalog, const CsvTable& table,
                                                      std::size_t row) {
  TrainingCase result;
  if (auto reason = set_machine(catalog, table, row, result); !reason.empty()) {
    return Refused(std::move(reason));
  }
  auto model = training_row_model(catalog, table, row);
  if (!model) return Refused(std::move(model.error()));
  result.model = std::move(*model);
  if (auto reason = set_job(table, row, result); !reason.empty()) return Refused(std::move(reason));
  if (auto reason = set_layout(table, row, result); !reason.empty()) {
    return Refused(std::move(reason));
  }
  return result;
}

}  // namespace fivefold
