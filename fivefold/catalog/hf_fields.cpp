#include "fivefold/catalog/hf_fields.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace fivefold {
namespace {

constexpr std::size_t kLargestFile = 8u << 20;
constexpr double kLargestSize = 1e8;

Place place_at(std::string_view text, std::size_t offset, const std::string& file) {
  Place place{file, 1, 1};
  for (std::size_t i = 0; i < std::min(offset, text.size()); ++i) {
    if (text[i] == '\n') {
      ++place.line;
      place.column = 1;
    } else {
      ++place.column;
    }
  }
  return place;
}

bool starts_at(const std::string& text, std::size_t at, std::string_view word) {
  return text.compare(at, word.size(), word) == 0;
}

// Strict JSON has no word for these; an empty text of the same length stands in, so that places
// stay and a field that needs the number is refused.
std::string without_bare_words(std::string text) {
  static constexpr std::array<std::string_view, 3> kWords = {"-Infinity", "Infinity", "NaN"};
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (in_string) {
      if (text[i] == '\\') {
        ++i;
      } else if (text[i] == '"') {
        in_string = false;
      }
      continue;
    }
    if (text[i] == '"') in_string = true;
    for (std::string_view word : kWords) {
      if (!starts_at(text, i, word)) continue;
      std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(i), word.size(), ' ');
      text[i] = text[i + 1] = '"';
      i += word.size() - 1;
      break;
    }
  }
  return text;
}

std::string_view kind_name(const nlohmann::json& value) {
  if (value.is_string()) return "a text";
  if (value.is_boolean()) return "true or false";
  if (value.is_number()) return "a number";
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  return "nothing";
}

// Names that speak of sizes but belong to tokens, training, generation or position encoding.
constexpr auto kHarmless = std::to_array<std::string_view>({"_name_or_path",
                                                            "add_cross_attention",
                                                            "attention_dropout",
                                                            "attn_pdrop",
                                                            "auto_map",
                                                            "compress_rope_theta",
                                                            "aux_loss_alpha",
                                                            "beam_search",
                                                            "chunk_size",
                                                            "chunk_size_feed_forward",
                                                            "compression_ratio",
                                                            "cross_attention_hidden_size",
                                                            "decoder_start_token_id",
                                                            "deepspeed",
                                                            "diversity_penalty",
                                                            "embd_pdrop",
                                                            "encoder_no_repeat_ngram_size",
                                                            "ep_size",
                                                            "experts_implementation",
                                                            "first_and_last_layers",
                                                            "freq_base",
                                                            "hc_sinkhorn_iters",
                                                            "hidden_act",
                                                            "hidden_activation",
                                                            "hidden_dropout",
                                                            "hidden_dropout_prob",
                                                            "hidden_size_per_layer_dropout",
                                                            "image_token_id",
                                                            "initial_context_length",
                                                            "initializer_range",
                                                            "layer_norm_eps",
                                                            "layer_norm_epsilon",
                                                            "length_penalty",
                                                            "logits_scaling",
                                                            "max_length",
                                                            "max_window_layers",
                                                            "min_length",
                                                            "moe_shared_expert_overlap",
                                                            "no_repeat_ngram_size",
                                                            "norm_topk_prob",
                                                            "num_beam_groups",
                                                            "num_beams",
                                                            "num_labels",
                                                            "num_logits_to_keep",
                                                            "num_return_sequences",
                                                            "org_vocab_size",
                                                            "output_attentions",
                                                            "output_hidden_states",
                                                            "output_router_logits",
                                                            "pooler_output_size",
                                                            "pretraining_tp",
                                                            "query_pre_attn_scalar",
                                                            "reshape_hidden_states",
                                                            "residual_in_fp32",
                                                            "rms_norm_eps",
                                                            "rope_local_base_freq",
                                                            "router_aux_loss_coef",
                                                            "router_jitter_noise",
                                                            "scoring_func",
                                                            "task_specific_params",
                                                            "temperature",
                                                            "time_step_rank",
                                                            "tokens_per_second",
                                                            "top_k",
                                                            "top_p",
                                                            "topk_method",
                                                            "use_cache",
                                                            "vision_config_dict",
                                                            "text_config_dict"});

constexpr auto kShapeWords = std::to_array<std::string_view>(
    {"num_",   "n_",     "_size",   "_dim",  "_rank",    "heads", "experts", "layers",
     "_width", "hidden", "pattern", "_freq", "groups",   "topk",  "window",  "sparse",
     "latent", "shared", "_ratio",  "mtp_",  "compress", "lora"});

bool speaks_of_shape(std::string_view name) {
  if (std::find(kHarmless.begin(), kHarmless.end(), name) != kHarmless.end()) return false;
  if (name.ends_with("_token_id") || name.ends_with("dropout") || name.ends_with("_eps"))
    return false;
  return std::any_of(kShapeWords.begin(), kShapeWords.end(), [&](std::string_view word) {
    return word == "n_" ? name.starts_with(word) : name.find(word) != std::string_view::npos;
  });
}

// Off, or nothing: such a value changes no shape whatever its name means.
bool is_off(const nlohmann::json& value) {
  if (value.is_null() || value.is_string()) return true;
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_number()) return value.get<double>() == 0;
  return value.empty();
}

}  // namespace

struct Fields::Shared {
  std::string text;
  std::string file;
  nlohmann::json root;
  std::set<std::string, std::less<>> read;
  std::vector<Problem> problems;
};

Result<Fields> Fields::parse(std::string_view text, const std::string& file) {
  if (text.size() > kLargestFile) {
    return fail(fmt::format("the file has {} MB", text.size() >> 20),
                "a config.json has some kilobytes: is this a weight file?", {file, 0, 0});
  }
  Fields fields;
  fields.shared_ = std::make_shared<Shared>();
  fields.shared_->file = file;
  fields.shared_->text = without_bare_words(std::string(text));
  const std::string& clean = fields.shared_->text;
  try {
    fields.shared_->root = nlohmann::json::parse(clean);
  } catch (const nlohmann::json::parse_error& error) {
    const std::size_t last = clean.find_last_not_of(" \t\r\n\0");
    if (last == std::string::npos) return fail("the file is empty", {}, {file, 0, 0});
    // The parser counts bytes from 1 and stops behind the last one if more should follow.
    if (error.byte > last + 1) {
      return fail("the file ends in the middle of its JSON", "was it cut short while copying?",
                  place_at(clean, clean.size(), file));
    }
    return fail("this is not JSON from here on", "a config.json as published on Hugging Face",
                place_at(clean, error.byte > 0 ? error.byte - 1 : 0, file));
  } catch (const nlohmann::json::exception& error) {
    return fail(fmt::format("this JSON cannot be read: {}", error.what()), {}, {file, 0, 0});
  }
  if (!fields.shared_->root.is_object()) {
    return fail(fmt::format("expected an object, found {}", kind_name(fields.shared_->root)),
                "a config.json begins with '{'", {file, 1, 1});
  }
  fields.object_ = &fields.shared_->root;
  return fields;
}

Place Fields::place(std::string_view name) const {
  const std::string& text = shared_->text;
  std::size_t from = 0;
  if (!prefix_.empty()) {
    // The innermost part: its name is enough to come near.
    const std::string path = prefix_.substr(0, prefix_.size() - 1);
    const std::size_t dot = path.rfind('.');
    const std::string part = dot == std::string::npos ? path : path.substr(dot + 1);
    from = std::min(text.find('"' + part + '"'), text.size());
  }
  const std::size_t at = text.find(fmt::format("\"{}\"", name), from);
  if (at == std::string::npos) return {shared_->file, 0, 0};
  return place_at(text, at, shared_->file);
}

void Fields::refuse(std::string_view name, std::string what, std::string hint) {
  shared_->problems.push_back({place(name), fmt::format("'{}{}' {}", prefix_, name, what), hint});
}

const nlohmann::json* Fields::find(std::string_view name) {
  ignore(name);
  const auto it = object_->find(name);
  return it == object_->end() || it->is_null() ? nullptr : &*it;
}

bool Fields::has(std::string_view name) const {
  const auto it = object_->find(name);
  return it != object_->end() && !it->is_null();
}

void Fields::ignore(std::string_view name) {
  shared_->read.insert(fmt::format("{}{}", prefix_, name));
}

int Fields::integer(std::string_view name) {
  if (!has(name)) {
    ignore(name);
    refuse(name, "is missing", "the shape of the model depends on it");
    return 1;
  }
  const int value = integer_or(name, 1);
  if (value > 0) return value;
  refuse(name, fmt::format("is {}: it must be positive", value));
  return 1;
}

int Fields::integer_or(std::string_view name, int fallback, int lowest) {
  const nlohmann::json* value = find(name);
  if (!value) return fallback;
  if (!value->is_number()) {
    refuse(name, fmt::format("is {}: expected a whole number", kind_name(*value)));
    return fallback;
  }
  const double number = value->get<double>();
  if (!(number >= lowest && number <= kLargestSize) || number != std::floor(number)) {
    refuse(name, fmt::format("is {}: expected a whole number from {} to {:.0f}", number, lowest,
                             kLargestSize));
    return fallback;
  }
  return static_cast<int>(number);
}

double Fields::number_or(std::string_view name, double fallback) {
  const nlohmann::json* value = find(name);
  if (!value) return fallback;
  if (value->is_number() && value->get<double>() >= 0 && value->get<double>() <= kLargestSize) {
    return value->get<double>();
  }
  refuse(name, "must be a number that is not negative");
  return fallback;
}

bool Fields::flag_or(std::string_view name, bool fallback) {
  const nlohmann::json* value = find(name);
  if (!value) return fallback;
  if (value->is_boolean()) return value->get<bool>();
  refuse(name, fmt::format("is {}: expected true or false", kind_name(*value)));
  return fallback;
}

std::string Fields::text_or(std::string_view name, const std::string& fallback) {
  const nlohmann::json* value = find(name);
  if (!value) return fallback;
  if (value->is_string()) return value->get<std::string>();
  refuse(name, fmt::format("is {}: expected a text", kind_name(*value)));
  return fallback;
}

std::vector<std::string> Fields::texts(std::string_view name) {
  const nlohmann::json* value = find(name);
  std::vector<std::string> result;
  if (!value) return result;
  if (!value->is_array()) {
    refuse(name, fmt::format("is {}: expected a list of texts", kind_name(*value)));
    return result;
  }
  for (const auto& item : *value) {
    if (!item.is_string()) {
      refuse(name, fmt::format("holds {}: expected texts", kind_name(item)));
      return result;
    }
    result.push_back(item.get<std::string>());
  }
  return result;
}

std::vector<int> Fields::integers(std::string_view name) {
  const nlohmann::json* value = find(name);
  std::vector<int> result;
  if (!value) return result;
  if (!value->is_array()) {
    refuse(name, fmt::format("is {}: expected a list of whole numbers", kind_name(*value)));
    return result;
  }
  for (const auto& item : *value) {
    const double number = item.is_number() ? item.get<double>() : -1;
    if (!(number >= 0 && number <= kLargestSize) || number != std::floor(number)) {
      refuse(name, "must hold whole numbers only");
      return result;
    }
    result.push_back(static_cast<int>(number));
  }
  return result;
}

int Fields::uniform_or(std::string_view name, int fallback) {
  const nlohmann::json* value = find(name);
  if (!value || !value->is_array()) return integer_or(name, fallback);
  const std::vector<int> list = integers(name);
  if (!list.empty() && std::all_of(list.begin(), list.end(), [&](int n) { return n == list[0]; })) {
    return list[0];
  }
  refuse(name, "differs from layer to layer", "only one value for all layers is understood");
  return fallback;
}

Fields Fields::part(std::string_view name) {
  static const nlohmann::json kEmpty = nlohmann::json::object();
  const nlohmann::json* value = find(name);
  Fields inner = *this;
  inner.object_ = &kEmpty;
  inner.prefix_ = fmt::format("{}{}.", prefix_, name);
  if (value && value->is_object()) {
    inner.object_ = value;
  } else {
    refuse(name, "is missing or not an object");
  }
  return inner;
}

void Fields::ignore_repeated(const Fields& part) {
  for (const auto& item : part.object_->items()) ignore(item.key());
}

void Fields::refuse_unread_shapes() {
  for (const auto& [name, value] : object_->items()) {
    if (shared_->read.contains(prefix_ + name) || is_off(value) || !speaks_of_shape(name)) continue;
    refuse(name, "is not understood, and its name speaks of the model's shape",
           "this family is known without that field: the file may be of a newer variant");
  }
}

const std::vector<Problem>& Fields::problems() const {
  return shared_->problems;
}
const std::string& Fields::file() const {
  return shared_->file;
}

}  // namespace fivefold
