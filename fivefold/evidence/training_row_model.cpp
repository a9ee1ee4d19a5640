// The model that a row of a training table names.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

#include "fivefold/evidence/training_case.h"
#include "fivefold/evidence/training_row.h"

namespace fivefold {
namespace {

// Megatron pads the vocabulary of GPT-2 (50257) to a multiple of 128 x tp; papers print 51200.
constexpr int kGptVocabulary = 51200;
// vTrain cuts GPT-2's own vocabulary among tp ranks, rounded down (vocab_size in src/config.py of
// its repository); one rank alone multiplies by an odd width.
constexpr int kBareGptVocabulary = 50257;

int gpt_vocabulary(const CsvTable& table, std::size_t row) {
  if (const auto printed = whole(table, row, "vocab")) return *printed;
  if (!is_vtrain_single(table, row)) return kGptVocabulary;
  const int tp = whole(table, row, "tp").value_or(1);
  return kBareGptVocabulary / tp * tp;
}

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

// A dense model of Llama's form, whose FFN takes what the parameter count leaves for it.
tl::expected<Model, std::string> dense_model(std::string name, const CsvTable& table,
                                             std::size_t row) {
  const auto layers = whole(table, row, "layers"), hidden = whole(table, row, "hidden");
  const auto heads = whole(table, row, "heads"), vocabulary = whole(table, row, "vocab");
  const auto billions = table.number(row, "params_B"),
             active = table.number(row, "active_params_B");
  const bool dense = billions && (!active || *active == *billions);
  if (!dense || !layers || !hidden || !heads || !vocabulary) {
    return tl::unexpected<std::string>("model not in the catalog");
  }
  const double h = *hidden, tables = 2.0 * *vocabulary * h;
  const double ffn = (*billions * 1e9 - tables) / *layers - 4 * h * h;
  Model model =
      gpt_model(std::move(name), *layers, *hidden, *heads, *vocabulary, 0, GptStyle::kMpt);
  model.tied_embeddings = false;
  if (ffn <= 0) return tl::unexpected<std::string>("model not in the catalog");
  model.layers.front().ffn = DenseFfn{.width = int(std::lround(ffn / (3 * h))), .gated = true};
  model.origin = kSolvedSizes;
  return model;
}

}  // namespace

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = char(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::optional<int> whole(const CsvTable& table, std::size_t row, std::string_view column) {
  const auto value = table.number(row, column);
  if (!value || *value != std::floor(*value)) return std::nullopt;
  return int(*value);
}

std::optional<double> number_before(std::string_view text, std::string_view word) {
  const std::size_t end = text.find(word);
  if (end == std::string_view::npos) return std::nullopt;
  const std::size_t blank = text.substr(0, end).find_last_of(" ;,");
  const std::size_t begin = blank == std::string_view::npos ? 0 : blank + 1;
  double value = 0;
  const auto read = std::from_chars(text.data() + begin, text.data() + end, value);
  if (read.ec != std::errc() || read.ptr != text.data() + end) return std::nullopt;
  return value;
}

bool is_vtrain_single(const CsvTable& table, std::size_t row) {
  return table.at(row, "group") == "vtrain_single";
}

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
    return dense_model(std::string(base), table, row);
  }
  const auto layers = whole(table, row, "layers"), hidden = whole(table, row, "hidden");
  const auto heads = whole(table, row, "heads"), seq_len = whole(table, row, "seq_len");
  if (!layers || !hidden || !heads || !seq_len)
    return tl::unexpected<std::string>("sizes of the model not published");
  if (*heads < 1 || *hidden % *heads != 0)
    return tl::unexpected<std::string>("heads do not divide hidden");
  return gpt_model(std::string(base), *layers, *hidden, *heads, gpt_vocabulary(table, row),
                   *seq_len, mpt ? GptStyle::kMpt : GptStyle::kGpt);
}

}  // namespace fivefold
