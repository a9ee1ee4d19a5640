#include "fivefold/catalog/model_yaml.h"

#include <charconv>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "fivefold/catalog/yaml_tree.h"

namespace fivefold {
namespace {

constexpr double kLargestSize = 1e8;
constexpr int kMostLayers = 10000;

// One map of the file. What is read is remembered; what is left over is refused by `finish`.
class Entry {
 public:
  Entry(const yaml::Node& node, const std::string& file, std::vector<Problem>& problems)
      : node_(node), file_(file), problems_(problems) {
    if (!node.is_map()) refuse(node, "expected a map of fields");
  }

  const yaml::Node* find(std::string_view key) {
    known_.insert(std::string(key));
    return node_.is_map() ? node_.find(key) : nullptr;
  }

  std::string text(std::string_view key, bool needed = false) {
    const yaml::Node* node = find(key);
    if (node && node->is_scalar()) return node->scalar;
    if (node) refuse(*node, fmt::format("'{}' must be a text", key));
    if (!node && needed) missing(key);
    return {};
  }

  std::vector<std::string> texts(std::string_view key) {
    std::vector<std::string> list;
    const yaml::Node* node = find(key);
    if (!node) return list;
    if (node->is_scalar()) return {node->scalar};
    for (const yaml::Node& item : node->items) {
      if (!node->is_list() || !item.is_scalar()) {
        refuse(item, fmt::format("'{}' must be a list of texts", key));
        break;
      }
      list.push_back(item.scalar);
    }
    return list;
  }

  double number(std::string_view key, double fallback, double largest) {
    const yaml::Node* node = find(key);
    if (!node) return fallback;
    const std::optional<double> value = parse_number(*node);
    if (value && *value >= 0 && *value <= largest) return *value;
    refuse(*node, fmt::format("'{}' must be a number from 0 to {:g}", key, largest));
    return fallback;
  }

  int integer(std::string_view key, int fallback = 0) {
    const double value = number(key, fallback, kLargestSize);
    if (value == std::floor(value)) return static_cast<int>(value);
    refuse(*find(key), fmt::format("'{}' must be a whole number", key));
    return fallback;
  }

  int needed(std::string_view key) {
    if (!find(key)) {
      missing(key);
      return 1;
    }
    const int value = integer(key, 1);
    if (value > 0) return value;
    refuse(*find(key), fmt::format("'{}' must be positive", key));
    return 1;
  }

  bool flag(std::string_view key, bool fallback) {
    const yaml::Node* node = find(key);
    if (!node) return fallback;
    if (node->is_scalar() && (node->scalar == "true" || node->scalar == "false"))
      return node->scalar == "true";
    refuse(*node, fmt::format("'{}' must be true or false", key));
    return fallback;
  }

  Format format(std::string_view key, Format fallback) {
    const yaml::Node* node = find(key);
    if (!node) return fallback;
    if (const auto format = format_from_name(node->scalar)) return *format;
    std::vector<std::string> names;
    for (Format format : kAllFormats) names.emplace_back(name(format));
    refuse(*node, fmt::format("'{}' is not a number format", node->scalar),
           did_you_mean(node->scalar, names));
    return fallback;
  }

  void finish() {
    if (!node_.is_map()) return;
    const std::vector<std::string> names(known_.begin(), known_.end());
    for (std::size_t i = 0; i < node_.keys.size(); ++i) {
      if (known_.contains(node_.keys[i])) continue;
      const auto [line, column] = node_.key_places[i];
      problems_.push_back({{file_, line, column},
                           fmt::format("'{}' is not a field of a model", node_.keys[i]),
                           did_you_mean(node_.keys[i], names)});
    }
  }

  void missing(std::string_view key) { refuse(node_, fmt::format("'{}' is missing", key)); }
  void refuse(const yaml::Node& node, std::string what, std::string hint = {}) {
    problems_.push_back({{file_, node.line, node.column}, std::move(what), std::move(hint)});
  }
  Entry inner(const yaml::Node& node) const { return {node, file_, problems_}; }
  const yaml::Node& node() const { return node_; }

  static std::optional<double> parse_number(const yaml::Node& node) {
    if (!node.is_scalar() || node.quoted) return std::nullopt;
    const std::string& text = node.scalar;
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
      return std::nullopt;
    return value;
  }

 private:
  const yaml::Node& node_;
  const std::string& file_;
  std::vector<Problem>& problems_;
  std::set<std::string> known_;
};

GqaAttention read_gqa(Entry& e) {
  GqaAttention a{.heads = e.needed("heads"),
                 .kv_heads = 0,
                 .head_dim = e.needed("head_dim"),
                 .qkv_bias = e.flag("qkv_bias", false),
                 .out_bias = e.flag("out_bias", false),
                 .window = e.integer("window"),
                 .output_gate = e.flag("output_gate", false),
                 .sinks = e.integer("sinks"),
                 .causal = e.flag("causal", true)};
  a.kv_heads = e.integer("kv_heads", a.heads);
  if (a.kv_heads == 0 || a.heads % a.kv_heads != 0)
    e.refuse(e.node(), "'kv_heads' must divide 'heads'");
  const std::string norm = e.text("qk_norm");
  if (double(a.heads) * a.head_dim > kLargestSize) {
    e.refuse(e.node(), "'heads' times 'head_dim' is absurdly large");
  } else if (norm == "per_head") {
    a.qk_norm_values = 2 * a.head_dim;
  } else if (norm == "all_heads") {
    a.qk_norm_values = (a.heads + a.kv_heads) * a.head_dim;
  } else if (!norm.empty()) {
    e.refuse(*e.find("qk_norm"), fmt::format("'qk_norm' is '{}'", norm), "per_head or all_heads");
  }
  return a;
}

MlaAttention read_mla(Entry& e) {
  return {.heads = e.needed("heads"),
          .q_rank = e.integer("q_rank"),
          .kv_rank = e.needed("kv_rank"),
          .nope_dim = e.needed("nope_dim"),
          .rope_dim = e.needed("rope_dim"),
          .v_dim = e.needed("v_dim"),
          .index_heads = e.integer("index_heads"),
          .index_dim = e.integer("index_dim"),
          .index_topk = e.integer("index_topk")};
}

CompressedAttention read_compressed(Entry& e) {
  CompressedAttention a{.heads = e.needed("heads"),
                        .head_dim = e.needed("head_dim"),
                        .rope_dim = e.needed("rope_dim"),
                        .q_rank = e.needed("q_rank"),
                        .out_groups = e.needed("out_groups"),
                        .out_rank = e.needed("out_rank"),
                        .window = e.needed("window"),
                        .ratio = e.integer("ratio"),
                        .index_heads = e.integer("index_heads"),
                        .index_dim = e.integer("index_dim"),
                        .index_topk = e.integer("index_topk")};
  return a;
}

LinearAttention read_linear(Entry& e, LinearAttention::Kind kind) {
  return {.kind = kind,
          .k_heads = e.needed("k_heads"),
          .v_heads = e.needed("v_heads"),
          .k_dim = e.needed("k_dim"),
          .v_dim = e.needed("v_dim"),
          .conv = e.needed("conv")};
}

MoeFfn read_moe(Entry& e) {
  MoeFfn moe{.experts = e.needed("experts"),
             .active = e.needed("active"),
             .width = e.needed("width"),
             .shared = e.integer("shared"),
             .shared_width = 0,
             .shared_gate = e.flag("shared_gate", false),
             .gated = e.flag("gated", true),
             .bias = e.flag("bias", false),
             .router_bias = 0,
             .groups = e.integer("groups"),
             .groups_active = e.integer("groups_active"),
             .hash_routed = e.flag("hash_routed", false),
             .latent = e.integer("latent")};
  moe.shared_width = e.integer("shared_width", moe.shared > 0 ? moe.width : 0);
  if (e.flag("router_bias", false)) moe.router_bias = moe.experts;
  if (moe.active > moe.experts) e.refuse(e.node(), "'active' is more than 'experts'");
  return moe;
}

// A named part: how a layer mixes tokens, or its feed-forward network.
struct Part {
  Attention attention;
  Ffn ffn;
};

Part read_part(Entry e) {
  Part part;
  const std::string kind = e.text("kind", true);
  if (kind == "gqa") {
    part.attention = read_gqa(e);
  } else if (kind == "mla") {
    part.attention = read_mla(e);
  } else if (kind == "compressed") {
    part.attention = read_compressed(e);
  } else if (kind == "gated_delta_net") {
    part.attention = read_linear(e, LinearAttention::Kind::kGatedDeltaNet);
  } else if (kind == "mamba2") {
    part.attention = read_linear(e, LinearAttention::Kind::kMamba2);
  } else if (kind == "ffn") {
    part.ffn = DenseFfn{
        .width = e.needed("width"), .gated = e.flag("gated", true), .bias = e.flag("bias", false)};
  } else if (kind == "moe") {
    part.ffn = read_moe(e);
  } else if (e.find("kind")) {
    e.refuse(*e.find("kind"), fmt::format("'{}' is not a kind of part", kind),
             did_you_mean(kind,
                          {"gqa", "mla", "compressed", "gated_delta_net", "mamba2", "ffn", "moe"}));
    return part;
  }
  e.finish();
  return part;
}

struct Parts {
  std::vector<std::string> names;
  std::vector<Part> parts;
};

Parts read_parts(Entry& model) {
  Parts result;
  const yaml::Node* node = model.find("parts");
  if (!node) {
    model.missing("parts");
    return result;
  }
  if (!node->is_map()) model.refuse(*node, "'parts' must be a map of named parts");
  for (std::size_t i = 0; node->is_map() && i < node->keys.size(); ++i) {
    result.names.push_back(node->keys[i]);
    result.parts.push_back(read_part(model.inner(node->items[i])));
  }
  return result;
}

// "[58, mla, moe]"
LayerGroup read_layer(Entry& model, const yaml::Node& node, const Parts& parts) {
  LayerGroup group;
  const std::optional<double> count =
      node.is_list() && node.items.size() >= 2 ? Entry::parse_number(node.items[0]) : std::nullopt;
  if (!count || !(*count >= 1 && *count <= kMostLayers) || *count != std::floor(*count)) {
    model.refuse(node, "expected a count of layers and their parts", "for example [58, mla, moe]");
    return group;
  }
  group.count = static_cast<int>(*count);
  for (std::size_t i = 1; i < node.items.size(); ++i) {
    const std::string& wanted = node.items[i].scalar;
    std::size_t at = 0;
    while (at < parts.names.size() && parts.names[at] != wanted) ++at;
    if (at == parts.names.size()) {
      model.refuse(node.items[i], fmt::format("'{}' is not one of the parts", wanted),
                   did_you_mean(wanted, parts.names));
      continue;
    }
    const Part& part = parts.parts[at];
    if (!std::holds_alternative<std::monostate>(part.attention)) group.attention = part.attention;
    if (!std::holds_alternative<std::monostate>(part.ffn)) group.ffn = part.ffn;
    group.name += (group.name.empty() ? "" : " + ") + wanted;
  }
  return group;
}

void read_layers(Entry& e, Model& model) {
  const Parts parts = read_parts(e);
  const int norms = e.integer("norms", 2);
  const bool norm_bias = e.flag("norm_bias", false), layer_scale = e.flag("layer_scale", false);
  const int streams = e.integer("streams", 1);
  const auto read_group = [&](const yaml::Node& node) {
    LayerGroup group = read_layer(e, node, parts);
    group.norms = norms;
    group.norm_bias = norm_bias;
    group.streams = streams;
    group.extra_parameters = layer_scale ? 2.0 * model.hidden : 0;
    return group;
  };
  const yaml::Node* layers = e.find("layers");
  if (!layers || !layers->is_list() || layers->items.empty()) {
    e.missing("layers");
    return;
  }
  for (const yaml::Node& node : layers->items) model.layers.push_back(read_group(node));
  if (const yaml::Node* mtp = e.find("mtp")) {
    LayerGroup group = read_group(*mtp);
    group.norms += 3;
    group.extra_parameters += 2.0 * model.hidden * model.hidden;
    model.mtp = {group};
  }
}

void read_towers(Entry& e, Model& model) {
  const yaml::Node* list = e.find("towers");
  if (!list) return;
  for (const yaml::Node& node : list->items) {
    Entry t = e.inner(node);
    model.towers.push_back({.name = t.text("name", true),
                            .layers = t.needed("layers"),
                            .hidden = t.needed("hidden"),
                            .heads = t.needed("heads"),
                            .width = t.needed("width"),
                            .gated = t.flag("gated", false),
                            .tokens = t.integer("tokens"),
                            .parameters = t.number("parameters", 0, 1e12)});
    t.finish();
  }
}

void read_published(Entry& e, Model& model) {
  const yaml::Node* node = e.find("published");
  if (!node) return;
  Entry p = e.inner(*node);
  model.published_total = p.number("total", 0, 1e15);
  model.published_active = p.number("active", 0, 1e15);
  p.finish();
}

Model read_model(Entry e) {
  Model model;
  model.id = e.text("id", true);
  model.name = e.text("name");
  if (model.name.empty()) model.name = model.id;
  model.aliases = e.texts("aliases");
  model.family = e.text("family", true);
  model.sources = e.texts("source");
  if (model.sources.empty()) e.missing("source");
  model.origin = "catalog";
  read_published(e, model);
  if (const yaml::Node* image = e.find("image")) {
    Entry i = e.inner(*image);
    model.fixed_gflops_per_image = i.number("gflops", 0, 1e9);
    model.fixed_parameters = i.number("parameters", 0, 1e12);
    if (model.fixed_parameters == 0 || model.fixed_gflops_per_image == 0) {
      i.refuse(*image, "'gflops' and 'parameters' must be positive");
    }
    i.finish();
    model.lm_head = model.final_norm = false;
    model.native = model.native_experts = e.format("weights", Format::kFp16);
    e.finish();
    return model;
  }
  model.hidden = e.needed("hidden");
  model.image_tokens = e.integer("image_tokens");
  model.lm_head = model.image_tokens == 0;
  model.vocabulary = model.lm_head ? e.needed("vocabulary") : e.integer("vocabulary");
  model.max_context = e.integer("context");
  model.tied_embeddings = e.flag("tied", false);
  model.position_parameters = double(e.integer("positions")) * model.hidden;
  model.other_parameters = e.number("other_parameters", 0, 1e12);
  model.native = e.format("weights", Format::kBf16);
  model.native_experts = e.format("expert_weights", model.native);
  read_layers(e, model);
  read_towers(e, model);
  e.finish();
  return model;
}

}  // namespace

Result<std::vector<Model>> read_models(const std::string& file, std::string_view text) {
  std::vector<Problem> problems;
  const yaml::Node root = yaml::parse(text, file, problems);
  std::vector<Model> models;
  const yaml::Node* list = root.is_map() ? root.find("models") : nullptr;
  if (list && !list->is_list()) {
    problems.push_back({{file, list->line, list->column}, "'models' must be a list", {}});
  } else if (list) {
    for (const yaml::Node& node : list->items) models.push_back(read_model({node, file, problems}));
  }
  if (!problems.empty()) return fail(Error{problems});
  return models;
}

}  // namespace fivefold
