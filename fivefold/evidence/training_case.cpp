#include "fivefold/evidence/training_case.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "fivefold/evidence/training_row.h"
#include "fivefold/workload/layer.h"

namespace fivefold {
namespace {

using Refused = tl::unexpected<std::string>;

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
// What names two formats is computed in the wider one, or in the one of the products where it says
// that they are mixed: embeddings, heads and some layers then stay wider.
constexpr std::array kTwoFormats = {FormatName{"fp8 or nvfp4", Format::kFp8},
                                    FormatName{"nvfp4/fp8 mixed", Format::kNvFp4}};

std::optional<Format> training_format_of(std::string_view text) {
  const std::string precision = lower(text);
  for (const FormatName& known : kFormats) {
    if (known.text == precision) return known.format;
  }
  if (precision.starts_with("fp8 fine-grained")) return Format::kFp8Block;
  return std::nullopt;
}

std::optional<Format> one_of_two_formats(std::string_view text) {
  const std::string precision = lower(text);
  for (const FormatName& known : kTwoFormats) {
    if (precision.starts_with(known.text)) return known.format;
  }
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
  std::string_view framework = "train/pytorch";
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
    Habits{"NeMo 24", true, true, true, false, 4, "train/megatron-core-24"},
    Habits{"NeMo 25.09", true, true, true, false, 4, "train/megatron-core-25.09"},
    Habits{"NeMo 26.06", true, true, true, false, 4, "train/megatron-core-26.06"},
    Habits{"NeMo 26.08", true, true, true, false, 4, "train/megatron-core-26.06"},
    Habits{"NeMo", true, true, true, false, 4, "train/megatron-core"},
    Habits{"MegaScale", true, true, true, false, 4},
    Habits{"MaxText", false, true, true, false, 4, "train/maxtext"},
    Habits{"T5X", false, true, true, false, 4, "train/maxtext"},
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

// MegaScale (arXiv 2402.15627, table 3) adds one technique after the other to Megatron-LM: what
// passes beside compute from which step on.
void set_ablation(std::string_view software, TrainingJob& job) {
  constexpr std::array<std::string_view, 6> kSteps = {"baseline",        "+parallel block",
                                                      "+sliding window", "+TP overlap",
                                                      "+PP overlap",     "+DP overlap"};
  if (!software.starts_with("MegaScale ")) return;
  const auto step = std::find(kSteps.begin(), kSteps.end(), software.substr(10));
  if (step == kSteps.end()) return;
  job.overlap_tp = step >= kSteps.begin() + 3;
  job.overlap_pp = step >= kSteps.begin() + 4;
  job.overlap_grad_reduce = job.overlap_param_gather = step >= kSteps.begin() + 5;
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

// As many factors of `size` as there are dimensions, as equal as they get.
std::vector<int> balanced(int size, std::size_t dimensions) {
  std::vector<int> dims;
  for (std::size_t left = dimensions; left > 0; --left) {
    int side = std::max(1, int(std::lround(std::pow(size, 1.0 / double(left)))));
    while (size % side != 0) --side;
    dims.push_back(side);
    size /= side;
  }
  return dims;
}

// A torus is rented in slices: "4x v5e-256" joins four of them over the data-centre network, and a
// job within a pod has a torus of its own size.
void cut_slice(System& system, int chips, int slices) {
  if (system.levels.empty() || system.levels.back().kind != LevelKind::kTorus) return;
  const int slice = std::min(chips / slices, system.chips);
  if (slice < 1 || slice >= system.chips) return;
  SystemLevel& torus = system.levels.back();
  torus.size = slice * system.chip->devices_per_chip;
  torus.dims = balanced(torus.size, torus.dims.size());
  system.chips = slice;
}

int slices_of(const CsvTable& table, std::size_t row) {
  if (has(table.at(row, "zero_fsdp"), "across slices")) return whole(table, row, "dp").value_or(1);
  return int(number_before(table.at(row, "system"), " pods").value_or(1));
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
  cut_slice(result.system, *chips, slices_of(table, row));
  return {};
}

Model without_windows(Model model) {
  for (LayerGroup& layer : model.layers) {
    if (auto* gqa = std::get_if<GqaAttention>(&layer.attention)) gqa->window = 0;
  }
  return model;
}

// The power of two at which the software's count of operations of a token is the printed one, with
// windows of attention or as if there were none.
std::optional<int> counted_seq_len(const CsvTable& table, std::size_t row, const Model& model) {
  const auto tokens = number_before(table.at(row, "notes"), " tokens per step");
  const auto step = table.number(row, "value"), rate = table.number(row, "value2");
  const auto chips = table.number(row, "chips");
  if (table.at(row, "metric") != "step_time_s" || table.at(row, "metric2") != "tflops_per_gpu" ||
      !tokens || !step || !rate || !chips) {
    return std::nullopt;
  }
  const double printed = *rate * 1e12 * *chips * *step / *tokens;
  int best = 0;
  double least = 0.02;
  for (int seq_len = 512; seq_len <= 1 << 20; seq_len *= 2) {
    for (const Model& counted : {model, without_windows(model)}) {
      const double ops = counted_ops_per_token(table, row, counted, seq_len).value();
      const double error = std::abs(ops / printed - 1);
      if (error < least) best = seq_len, least = error;
    }
  }
  return best > 0 ? std::optional(best) : std::nullopt;
}

std::optional<int> seq_len_of(const CsvTable& table, std::size_t row, TrainingCase& result) {
  if (const auto printed = whole(table, row, "seq_len")) return printed;
  result.open.derived = true;
  if (const auto counted = counted_seq_len(table, row, result.model)) return counted;
  // A rate without steps is that of the model's own context, as far as it is short.
  constexpr int kShort = 8192;
  const bool rate = table.at(row, "metric") != "step_time_s";
  const int context = result.model.max_context;
  return rate && context > 0 && context <= kShort ? std::optional(context) : std::nullopt;
}

// From tokens a step; otherwise one micro batch for each replica (set_batch).
std::string set_batch(const CsvTable& table, std::size_t row, TrainingCase& result) {
  TrainingJob& job = result.job;
  if (const auto batch = whole(table, row, "global_batch_seqs")) {
    job.global_batch = *batch;
    return {};
  }
  if (const auto tokens = number_before(table.at(row, "notes"), " tokens per step")) {
    result.open.derived = true;
    job.global_batch = int(std::lround(*tokens / job.seq_len));
    return {};
  }
  const bool rate = has(table.at(row, "metric"), "_per_gpu") || table.at(row, "metric") == "mfu";
  if (!rate) return "global batch not published";
  if (whole(table, row, "pp").value_or(1) > 1) {
    return "global batch not published: the rate of a pipeline depends on it";
  }
  result.open.batch = true;
  return {};
}

std::string set_job(const CsvTable& table, std::size_t row, TrainingCase& result) {
  auto format = training_format_of(table.at(row, "precision"));
  if (!format) {
    format = one_of_two_formats(table.at(row, "precision"));
    result.open.derived = true;
  }
  if (!format) return "precision ambiguous";
  const Habits habits = habits_of(table, row, *result.chip);
  TrainingJob& job = result.job;
  const auto seq_len = seq_len_of(table, row, result);
  if (!seq_len) return "sequence length not published";
  job.seq_len = *seq_len;
  if (auto reason = set_batch(table, row, result); !reason.empty()) return reason;
  job.format = *format;
  job.overlap_grad_reduce = habits.overlap_data;
  job.overlap_param_gather = habits.overlap_data;
  job.overlap_pp = habits.overlap_data;
  job.overlap_tp = habits.overlap_tp;
  job.fused_attention = habits.fused_attention;
  job.dropout = habits.dropout;
  job.gradient_bytes = habits.gradient_bytes;
  set_ablation(table.at(row, "software"), job);
  job.frozen_base = has(table.at(row, "model"), "LoRA") || has(table.at(row, "notes"), "LoRA");
  // An adapter reads the gathered input of its product and adds to the output: neither passes in
  // chunks beside the product.
  job.overlap_tp = job.overlap_tp && !job.frozen_base;
  return {};
}

std::optional<int> zero_stage(std::string_view text, int dp) {
  if (text.empty() || text == "none" || text == "adapters only") return 0;
  if (text == "fsdp_" + std::to_string(dp)) return 3;
  if (text == "distopt(zero1)") return 1;
  if (text == "fsdp_shard_grad_op") return 2;
  if (text == "hsdp" || text == "fsdp_full_shard" || text == "fsdp2" || text == "fsdp") return 3;
  if (text.starts_with("fsdp inside slice")) return 3;
  return std::nullopt;
}

// torchtitan's selective checkpointing is that by operator; other FSDP stacks recompute a choice of
// layers, which their tables do not print: the fewest that fit.
std::string set_recompute(const CsvTable& table, std::size_t row, TrainingCase& result) {
  const std::string_view text = table.at(row, "recompute");
  const bool fsdp = result.layout.zero == 3;
  if (text == "none" || is_vtrain_single(table, row)) {
    result.layout.recompute = Recompute::kNone;
  } else if (text == "full") {
    result.layout.recompute = Recompute::kFull;
  } else if (text.starts_with("selective") && table.at(row, "software").starts_with("torchtitan")) {
    result.layout.recompute = Recompute::kOps;
  } else if (text.starts_with("selective") && fsdp) {
    result.open.recompute = result.open.derived = true;
  } else if (text.starts_with("selective")) {
    result.layout.recompute = Recompute::kSelective;
  } else if (text.empty() || text.starts_with("recipe-default") || has(text, "offload")) {
    result.open.recompute = true;
  } else {
    return "recomputation '" + std::string(text) + "' is not modelled";
  }
  return {};
}

// Fields that another row of the same runs prints: the same group, model, chips and cut.
struct Sibling {
  std::optional<int> vpp;
  std::string_view schedule;
};
Sibling sibling_of(const CsvTable& table, std::size_t row) {
  for (std::size_t other = 0; other < table.rows.size(); ++other) {
    bool same = !table.at(other, "schedule").empty() && whole(table, other, "vpp").has_value();
    for (const std::string_view column : {"group", "model", "chips", "tp", "pp", "micro_batch"}) {
      same = same && table.at(other, column) == table.at(row, column);
    }
    if (same) return {whole(table, other, "vpp"), table.at(other, "schedule")};
  }
  return {};
}

std::string set_schedule(const CsvTable& table, std::size_t row, TrainingCase& result) {
  TrainingLayout& l = result.layout;
  auto vpp = whole(table, row, "vpp");
  std::string_view text = table.at(row, "schedule");
  if (text.empty() && !vpp && l.pp > 1) {
    const Sibling sibling = sibling_of(table, row);
    vpp = sibling.vpp;
    text = sibling.schedule;
  }
  l.vpp = l.pp > 1 ? vpp.value_or(1) : 1;
  if (l.pp == 1) return {};
  l.schedule = l.vpp > 1 ? Schedule::kInterleaved : Schedule::k1F1B;
  if (text == "none" || text == "1f1b") return {};
  if (text == "interleaved_1f1b") {
    result.open.virtual_stages = l.vpp == 1;
    return {};
  }
  if (text == "zbv" || text == "dualpipe") {
    l.vpp = 1;  // two chunks are part of the schedule
    l.schedule = text == "zbv" ? Schedule::kZbV : Schedule::kDualPipe;
    return {};
  }
  if (text.empty() || has(text, "not resolved")) {
    result.open.schedule = !vpp;
    return {};
  }
  return "schedule '" + std::string(text) + "' is not modelled";
}

// What an FSDP stack holds otherwise than Megatron does: FP32 shards that are the weights, and all
// that PyTorch's own cross entropy makes of the logits.
void set_memory(const CsvTable& table, std::size_t row, TrainingCase& result) {
  TrainingJob& job = result.job;
  const std::string_view software = table.at(row, "software");
  if (result.layout.zero == 3) job.optimizer.master = MasterWeights::kIsWeight;
  const bool pytorch = has(software, "torchtitan") || has(software, "FSDP");
  if (pytorch) job.logit_bytes = 16;
  job.eager = pytorch && table.at(row, "notes").starts_with("eager");
}

// What a blank layout leaves to the search, and what it must keep.
std::string open_layout(const CsvTable& table, std::size_t row, TrainingCase& result) {
  result.open.layout = true;
  result.tp = whole(table, row, "tp").value_or(0);
  result.pp = whole(table, row, "pp").value_or(0);
  result.cp = whole(table, row, "cp").value_or(0);
  result.ep = whole(table, row, "ep").value_or(0);
  result.open.micro_batch = true;
  result.open.recompute = true;
  return {};
}

// MaxText shards weights over all devices of a slice unless told otherwise (ici_fsdp_parallelism =
// -1), and copies them across slices; its batch counts devices.
bool maxtext_layout(const CsvTable& table, std::size_t row, TrainingCase& result) {
  if (!table.at(row, "software").starts_with("MaxText")) return false;
  TrainingLayout& l = result.layout;
  const int devices = result.chips * result.chip->devices_per_chip;
  l.tp = whole(table, row, "tp").value_or(1);
  if (!whole(table, row, "tp")) result.open.derived = true;
  l.dp = devices / l.tp;
  l.zero = 3;
  const int slice = result.system.devices() / l.tp;
  if (slice < l.dp) l.shard = slice;
  l.sequence_parallel = l.tp > 1;
  const auto each = whole(table, row, "micro_batch");
  if (result.open.batch && each) {
    result.job.global_batch = *each * devices;
    result.open.batch = false;
  }
  result.open.micro_batch = !result.open.batch && result.job.global_batch % l.dp != 0;
  if (!result.open.batch && !result.open.micro_batch)
    l.micro_batch = result.job.global_batch / l.dp;
  return true;
}

// Sharded inside a node, or a slice of a torus, and copied across.
int shard_of(std::string_view zero, int slices, const TrainingCase& result) {
  const TrainingLayout& l = result.layout;
  if (zero == "hsdp") return result.system.devices();
  return slices > 1 && l.zero == 3 ? l.dp * l.cp / slices : 0;
}

std::string set_layout(const CsvTable& table, std::size_t row, TrainingCase& result) {
  TrainingLayout& l = result.layout;
  if (maxtext_layout(table, row, result)) {
    return set_recompute(table, row, result);
  }
  const auto tp = whole(table, row, "tp"), pp = whole(table, row, "pp");
  if (!tp || !pp) return open_layout(table, row, result);
  l.tp = *tp;
  l.pp = *pp;
  l.cp = whole(table, row, "cp").value_or(1);
  l.ep = whole(table, row, "ep").value_or(1);
  const int devices = result.chips * result.chip->devices_per_chip;
  const int model_parallel = l.tp * l.pp * l.cp;
  if (devices % model_parallel != 0) return "layout does not divide the chips";
  l.dp = devices / model_parallel;  // the printed one counts otherwise in some sources
  // One sequence a replica leaves only one micro batch.
  const auto micro_batch = whole(table, row, "micro_batch");
  result.open.micro_batch = !micro_batch && l.dp != result.job.global_batch;
  l.micro_batch = micro_batch.value_or(1);
  if (result.open.batch && micro_batch) {
    result.job.global_batch = l.dp * l.micro_batch;
    result.open.batch = false;
    result.open.derived = true;
  }
  const auto zero = zero_stage(table.at(row, "zero_fsdp"), l.dp);
  if (!zero) return "sharding '" + std::string(table.at(row, "zero_fsdp")) + "' is not modelled";
  l.zero = *zero;
  l.shard = shard_of(table.at(row, "zero_fsdp"), slices_of(table, row), result);
  const std::string_view sp = table.at(row, "sp");
  l.sequence_parallel = l.tp > 1 && sp != "0";
  if (auto reason = set_recompute(table, row, result); !reason.empty()) return reason;
  return set_schedule(table, row, result);
}

// How a software counts: Megatron (Narayanan 2021, arXiv 2104.04473, section 5.1), and what reports
// by its formula, NeMo before 25.02 and MaxText before July 2025 attend to the whole sequence;
// PaLM (arXiv 2204.02311, appendix B) counts half of it where the mask is causal.
struct Count {
  std::string_view software;  // begins with
  std::string_view whole_until;
};
constexpr std::array kCounts = {Count{"Megatron-LM", "9"},    Count{"Megatron-Core", "9"},
                                Count{"MegaScale", "9"},      Count{"MindSpeed", "9"},
                                Count{"NeMo", "2025-02"},     Count{"MaxText", "2025-07"},
                                Count{"Megatron-Bridge", ""}, Count{"Primus", "9"}};

}  // namespace

Ops counted_ops_per_token(const CsvTable& table, std::size_t row, const Model& model, int seq_len) {
  const std::string_view software = table.at(row, "software"), date = table.at(row, "date");
  for (const Count& count : kCounts) {
    if (!software.starts_with(count.software)) continue;
    const bool whole_sequence = date < count.whole_until;
    const double context = whole_sequence ? seq_len : (seq_len + 1) / 2.0;
    const Ops forward = forward_ops_per_token(model, context);
    // Only the first paper of Megatron-LM counts the layers that run again, not the head.
    const bool again = software.starts_with("Megatron-LM") && date < "2022" &&
                       table.at(row, "recompute") == "full";
    const Ops head(again ? 2.0 * model.vocabulary * model.hidden : 0);
    return 3 * forward + (again ? forward - head : Ops());
  }
  return Ops();
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
  result.open.derived = result.model.origin == kSolvedSizes;
  if (auto reason = set_job(table, row, result); !reason.empty()) return Refused(std::move(reason));
  if (auto reason = set_layout(table, row, result); !reason.empty()) {
    return Refused(std::move(reason));
  }
  set_memory(table, row, result);
  return result;
}

}  // namespace fivefold
