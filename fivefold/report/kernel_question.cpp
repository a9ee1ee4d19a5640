#include "fivefold/report/kernel_question.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace fivefold {
namespace {

constexpr std::array kExtents = {
    KernelExtent{"m", "Rows of the product: tokens"},
    KernelExtent{"n", "Columns of the product"},
    KernelExtent{"k", "Values that are summed"},
    KernelExtent{"batch", "Sequences; of gemm: products at once"},
    KernelExtent{"q-len", "New tokens of each sequence; 1: decode"},
    KernelExtent{"kv-len", "Tokens attended to, new ones included"},
    KernelExtent{"heads", "Query heads"},
    KernelExtent{"kv-heads", "Heads of keys and values; default: heads"},
    KernelExtent{"head-dim", "Width of a head"},
    KernelExtent{"v-dim", "Width of a value; default: head-dim"},
    KernelExtent{"window", "Of sliding attention; default: all"},
    KernelExtent{"kv-rank", "Compressed width of MLA; default: 512"},
    KernelExtent{"rope-dim", "Rotary width of MLA; default: 64"},
    KernelExtent{"index-heads", "Of a sparse module's indexer; default: 64"},
    KernelExtent{"index-dim", "Width of an index key; default: 128"},
    KernelExtent{"tokens", "Before top-k"},
    KernelExtent{"hidden", "Width of the model"},
    KernelExtent{"width", "Of one expert, on this device"},
    KernelExtent{"experts", "Of the model"},
    KernelExtent{"local-experts", "Held by this device; default: all"},
    KernelExtent{"topk", "Experts of a token; of sparse: keys that a query attends to"},
    KernelExtent{"power-law", "Exponent of the spread over experts; default: balanced"},
    KernelExtent{"imbalance", "Busiest device's share of tokens over the mean; default: 1"},
    KernelExtent{"k-heads", "Key heads of linear attention"},
    KernelExtent{"v-heads", "Value heads of linear attention"},
    KernelExtent{"k-dim", "Width of a key"},
    KernelExtent{"conv", "Taps of the convolution; default: 4"},
    KernelExtent{"read", "Bytes"},
    KernelExtent{"written", "Bytes; default: as read"},
    KernelExtent{"ops", "Operations on the way; default: none"},
    KernelExtent{"launches", "Kernels one after the other; default: 1"},
};

constexpr std::array kFlags = {
    KernelExtent{"narrowed", "Activations of a product come in its format: no kernel narrows them"},
    KernelExtent{"encoder", "Every token attends to all, not only to those before it"},
    KernelExtent{"exchanged", "Tokens came through an expert exchange, so only those here count"},
    KernelExtent{"step", "Of decode: the exchange of low latency"},
    KernelExtent{"convolution", "The short convolution before the rule"},
    KernelExtent{"mamba2", "The rule of Mamba-2, not the gated delta net"},
};

const std::vector<AskedFamily>& families() {
  static const std::vector<AskedFamily> kFamilies = {
      {"gemm",
       "A product of matrices",
       {"m", "n", "k"},
       {"batch"},
       {"narrowed"},
       {"format", "activations"},
       "-m 4096 -n 7168 -k 2048 --format fp8_block"},
      {"attention",
       "Softmax attention: decode where q-len is 1, else prefill",
       {"batch", "q-len", "kv-len", "heads", "head-dim"},
       {"kv-heads", "v-dim", "window"},
       {"encoder"},
       {"format", "cache"},
       "--batch 64 --q-len 1 --kv-len 4096 --heads 32 --kv-heads 8 --head-dim 128"},
      {"mla",
       "DeepSeek's latent attention: absorbed decode where q-len is 1, else prefill",
       {"batch", "q-len", "kv-len", "heads"},
       {"kv-rank", "rope-dim"},
       {},
       {"format", "cache"},
       "--batch 64 --q-len 1 --kv-len 4096 --heads 128"},
      {"moe",
       "The routed experts of one device",
       {"tokens", "hidden", "width", "experts", "topk"},
       {"local-experts", "power-law", "imbalance"},
       {"exchanged", "step"},
       {"format", "activations"},
       "--tokens 512 --hidden 7168 --width 2048 --experts 256 --local-experts 32 --topk 8"},
      {"sparse",
       "What DeepSeek's sparse attention runs beside its products: indexer, selection, core",
       {"batch", "q-len", "kv-len", "heads", "topk"},
       {"index-heads", "index-dim", "kv-rank", "rope-dim", "hidden"},
       {},
       {"format", "cache"},
       "--batch 64 --q-len 1 --kv-len 65536 --heads 128 --topk 2048"},
      {"linear",
       "Attention with a recurrent state: a step where q-len is 1",
       {"batch", "q-len", "k-heads", "v-heads", "k-dim", "v-dim"},
       {"conv"},
       {"convolution", "mamba2"},
       {},
       "--batch 8 --q-len 4096 --k-heads 16 --v-heads 32 --k-dim 128 --v-dim 128"},
      {"streaming",
       "Norms, activations, quantisation: bytes moved",
       {"read"},
       {"written", "ops", "launches"},
       {},
       {},
       "--read 67108864 --written 67108864"},
  };
  return kFamilies;
}

bool has(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string listed_options(const std::vector<std::string_view>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += i == 0 ? "" : i + 1 == names.size() ? " and " : ", ";
    text += option_of(names[i]);
  }
  return text;
}

std::vector<std::string_view> taken_by(const AskedFamily& family) {
  std::vector<std::string_view> all = family.needed;
  for (const auto* more : {&family.optional, &family.flags, &family.formats})
    all.insert(all.end(), more->begin(), more->end());
  return all;
}

void add_problem(Error& error, std::string what, std::string hint) {
  const Error one = make_error(std::move(what), std::move(hint));
  error.problems.push_back(one.problems.front());
}

Error problems_of(const AskedFamily& family, const KernelQuestion& question) {
  Error error;
  const auto foreign = [&](std::string_view name) {
    add_problem(error, fmt::format("{} is not an option of {}", option_of(name), family.name),
                fmt::format("it takes {}", listed_options(taken_by(family))));
  };
  constexpr double kMost = 1e15;
  for (const auto& [extent, value] : question.extents) {
    if (!has(family.needed, extent) && !has(family.optional, extent)) {
      foreign(extent);
    } else if (!(value >= (extent == "power-law" || extent == "ops" ? 0 : 1)) || value > kMost) {
      add_problem(error, fmt::format("{} {:g} makes no operator", option_of(extent), value),
                  "a number from 1 to 1e15");
    }
  }
  for (const std::string& flag : question.flags) {
    if (!has(family.flags, flag)) foreign(flag);
  }
  for (const auto& [role, format] : question.formats) {
    std::vector<std::string> known;
    for (const Format one : kAllFormats) known.emplace_back(name(one));
    if (!has(family.formats, role)) {
      foreign(role);
    } else if (!format_from_name(format)) {
      const std::string near = did_you_mean(format, known);
      add_problem(error, fmt::format("unknown format '{}'", format),
                  near.empty() ? fmt::format("one of {}", fmt::join(known, ", ")) : near);
    }
  }
  std::vector<std::string_view> missing;
  for (const std::string_view extent : family.needed) {
    if (!question.extents.contains(extent)) missing.push_back(extent);
  }
  if (!missing.empty()) {
    add_problem(error, fmt::format("{} needs {} as well", family.name, listed_options(missing)),
                fmt::format("for example --family {} {}", family.name, family.example));
  }
  return error;
}

// A question whose names were found to be right.
class Reader {
 public:
  explicit Reader(const KernelQuestion& question) : question_(question) {}
  double operator()(std::string_view extent, double otherwise = 0) const {
    const auto found = question_.extents.find(extent);
    return found == question_.extents.end() ? otherwise : found->second;
  }
  bool flag(std::string_view flag) const { return question_.flags.contains(flag); }
  Format format(std::string_view role, Format otherwise) const {
    const auto found = question_.formats.find(role);
    return found == question_.formats.end() ? otherwise
                                            : format_from_name(found->second).value_or(otherwise);
  }

 private:
  const KernelQuestion& question_;
};

// Weights of four bits in integers and MX are upcast: their activations stay BF16.
Format activations_of(Format weights) {
  return weights == Format::kInt4 || weights == Format::kMxFp4 ? Format::kBf16 : weights;
}

AskedKernel gemm_asked(const Reader& of) {
  const Format b = of.format("format", Format::kBf16);
  const Format a = of.format("activations", activations_of(b));
  return {Family::kGemm, Gemm{.m = of("m"),
                              .n = of("n"),
                              .k = of("k"),
                              .batch = of("batch", 1),
                              .a = a,
                              .b = b,
                              .quantises = is_narrow(a) && !of.flag("narrowed")}};
}

AskedKernel attention_asked(const Reader& of) {
  const Format compute = of.format("format", Format::kBf16);
  const AttentionCore core{.batch = of("batch"),
                           .q_len = of("q-len"),
                           .kv_len = of("kv-len"),
                           .heads = of("heads"),
                           .kv_heads = of("kv-heads", of("heads")),
                           .qk_dim = of("head-dim"),
                           .v_dim = of("v-dim", of("head-dim")),
                           .window = of("window"),
                           .causal = !of.flag("encoder"),
                           .compute = compute,
                           .cache = of.format("cache", compute)};
  const Family family = !core.causal      ? Family::kEncoderAttention
                        : core.q_len == 1 ? Family::kAttentionDecode
                                          : Family::kAttentionPrefill;
  return {family, core};
}

// Prefill is not absorbed: DeepSeek-V3's heads have 128 values beside the rotary ones.
AskedKernel mla_asked(const Reader& of) {
  constexpr double kHeadDim = 128;
  const Format compute = of.format("format", Format::kBf16);
  const Format cache = of.format("cache", compute);
  if (of("q-len") == 1) {
    return {Family::kMlaDecode, MlaCore{.batch = of("batch"),
                                        .q_len = 1,
                                        .kv_len = of("kv-len"),
                                        .heads = of("heads"),
                                        .kv_rank = of("kv-rank", 512),
                                        .rope_dim = of("rope-dim", 64),
                                        .compute = compute,
                                        .cache = cache}};
  }
  return {Family::kMlaPrefill, AttentionCore{.batch = of("batch"),
                                             .q_len = of("q-len"),
                                             .kv_len = of("kv-len"),
                                             .heads = of("heads"),
                                             .kv_heads = of("heads"),
                                             .qk_dim = kHeadDim + of("rope-dim", 64),
                                             .v_dim = kHeadDim,
                                             .compute = compute,
                                             .cache = cache}};
}

// Index keys are of 8 bit, as DeepSeek-V3.2 publishes them; products beside take no time here.
AskedKernel sparse_asked(const Reader& of) {
  const Format compute = of.format("format", Format::kBf16);
  const double kv_len = of("kv-len"), q_len = of("q-len"), kv_rank = of("kv-rank", 512);
  return {Family::kSparseAttention,
          ModuleRest{.kind = ModuleKind::kSparse,
                     .batch = of("batch"),
                     .q_len = q_len,
                     .kv_len = kv_len,
                     .hidden = of("hidden", 7168),
                     .heads = of("heads"),
                     .key_dim = kv_rank + of("rope-dim", 64),
                     .value_dim = kv_rank,
                     .seen = std::min(of("topk"), kv_len),
                     .index_heads = of("index-heads", 64),
                     .index_dim = of("index-dim", 128),
                     .index_keys = std::max(1.0, kv_len - (q_len - 1) / 2),
                     .index_cache = kv_len,
                     .step = q_len == 1,
                     .compute = compute,
                     .cache = of.format("cache", compute),
                     .index = Format::kFp8Block,
                     .products = Format::kFp8Block}};
}

AskedKernel moe_asked(const Reader& of) {
  const Format b = of.format("format", Format::kBf16);
  return {Family::kMoe, MoeBlock{.tokens = of("tokens"),
                                 .hidden = of("hidden"),
                                 .width = of("width"),
                                 .experts = of("experts"),
                                 .local_experts = of("local-experts", of("experts")),
                                 .topk = of("topk"),
                                 .imbalance = of("imbalance", 1),
                                 .power_law = of("power-law"),
                                 .a = of.format("activations", activations_of(b)),
                                 .b = b,
                                 .exchanged = of.flag("exchanged"),
                                 .step = of.flag("step")}};
}

AskedKernel linear_asked(const Reader& of) {
  return {Family::kLinearAttention,
          LinearCore{.batch = of("batch"),
                     .q_len = of("q-len"),
                     .k_heads = of("k-heads"),
                     .v_heads = of("v-heads"),
                     .k_dim = of("k-dim"),
                     .v_dim = of("v-dim"),
                     .conv = of("conv", 4),
                     .delta_rule = !of.flag("mamba2"),
                     .part = of.flag("convolution") ? LinearPart::kConvolution : LinearPart::kRule,
                     .step = of("q-len") == 1}};
}

AskedKernel streaming_asked(const Reader& of) {
  return {Family::kMemoryBound, Streaming{.read = Bytes(of("read")),
                                          .written = Bytes(of("written", of("read"))),
                                          .ops = Ops(of("ops")),
                                          .launches = of("launches", 1)}};
}

// What the extents say together.
Result<AskedKernel> checked(AskedKernel asked) {
  if (const auto* a = std::get_if<AttentionCore>(&asked.shape)) {
    if (a->q_len > a->kv_len)
      return fail("--q-len is above --kv-len", "the tokens attended to include the new ones");
    if (std::fmod(a->heads, a->kv_heads) != 0)
      return fail(
          fmt::format("{:g} heads do not share {:g} KV heads evenly", a->heads, a->kv_heads));
  }
  if (const auto* m = std::get_if<ModuleRest>(&asked.shape)) {
    if (m->q_len > m->kv_len)
      return fail("--q-len is above --kv-len", "the tokens attended to include the new ones");
  }
  if (const auto* m = std::get_if<MoeBlock>(&asked.shape)) {
    if (m->topk > m->experts || m->local_experts > m->experts)
      return fail("--topk and --local-experts are at most --experts");
    if (m->step && !m->exchanged)
      return fail("--step is of experts behind an exchange", "--exchanged --step");
  }
  return asked;
}

}  // namespace

std::span<const KernelExtent> kernel_extents() {
  return kExtents;
}

std::span<const KernelExtent> kernel_flags() {
  return kFlags;
}

std::string option_of(std::string_view name) {
  return fmt::format("{}{}", name.size() == 1 ? "-" : "--", name);
}

std::span<const AskedFamily> asked_families() {
  return families();
}

Result<const AskedFamily*> asked_family(std::string_view name) {
  std::vector<std::string> known;
  for (const AskedFamily& family : families()) {
    if (family.name == name) return &family;
    known.emplace_back(family.name);
  }
  const std::string near = did_you_mean(name, known);
  return fail(fmt::format("unknown family '{}'", name),
              near.empty() ? fmt::format("one of {}", fmt::join(known, ", ")) : near);
}

Result<AskedKernel> asked_kernel(const KernelQuestion& question) {
  const auto family = asked_family(question.family);
  if (!family) return tl::unexpected(family.error());
  Error error = problems_of(**family, question);
  if (!error.problems.empty()) return fail(std::move(error));
  const Reader of(question);
  const std::string_view name = (*family)->name;
  if (name == "gemm") return gemm_asked(of);
  if (name == "attention") return checked(attention_asked(of));
  if (name == "mla") return checked(mla_asked(of));
  if (name == "moe") return checked(moe_asked(of));
  if (name == "sparse") return checked(sparse_asked(of));
  return name == "linear" ? linear_asked(of) : streaming_asked(of);
}

std::string words_of(const KernelQuestion& question) {
  std::vector<std::string> words;
  for (const KernelExtent& extent : kExtents) {
    const auto found = question.extents.find(extent.name);
    if (found != question.extents.end())
      words.push_back(fmt::format("{} {:.12g}", extent.name, found->second));
  }
  for (const auto& [role, format] : question.formats)
    words.push_back(fmt::format("{} {}", role, format));
  words.insert(words.end(), question.flags.begin(), question.flags.end());
  return fmt::format("{}", fmt::join(words, ", "));
}

Result<KernelSweep> parse_sweep(std::string_view text) {
  const std::size_t equals = text.find('='), dots = text.find("..");
  double low = 0, high = 0;
  const auto number = [](std::string_view part, double& value) {
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    return error == std::errc() && end == part.data() + part.size();
  };
  if (equals == text.npos || dots == text.npos || dots < equals ||
      !number(text.substr(equals + 1, dots - equals - 1), low) ||
      !number(text.substr(dots + 2), high)) {
    return fail(fmt::format("'{}' is not a sweep", text), "for example m=1..32768");
  }
  if (!(low >= 1) || !(high >= low) || high > 1e15)
    return fail(fmt::format("'{}' goes nowhere", text),
                "from a number of at least 1 up to another");
  KernelSweep sweep{std::string(text.substr(0, equals)), {}};
  for (double value = low; value < high; value *= 2) sweep.values.push_back(value);
  sweep.values.push_back(high);
  return sweep;
}

}  // namespace fivefold
