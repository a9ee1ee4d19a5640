// The layers of a language model, one by one as the file describes them, then gathered into groups
// of equal ones.
#include <algorithm>

#include <fmt/format.h>

#include "fivefold/catalog/hf_families.h"

namespace fivefold {
namespace {

constexpr int kMostLayers = 10000;

struct Decoder {
  Fields& fields;
  const Family& family;
  int hidden = 1, layers = 1, heads = 1;
};

bool has(Fields& fields, Has rule, std::string_view name) {
  if (rule == Has::kNo || rule == Has::kYes) return rule == Has::kYes;
  return fields.flag_or(name, rule == Has::kFieldOrYes);
}

// The usual name of a field, or the one that GPT-2's and OPT's files use.
std::string_view either(const Fields& fields, std::string_view usual, std::string_view other) {
  return fields.has(other) && !fields.has(usual) ? other : usual;
}

int qk_norm_values(Decoder& d, const GqaAttention& a) {
  const QkNorm kind = d.family.qk_norm;
  if (kind == QkNorm::kNone) {
    if (d.fields.flag_or("use_qk_norm", false)) {
      d.fields.refuse("use_qk_norm", "is not understood for this family");
    }
    return 0;
  }
  if (!d.fields.flag_or("use_qk_norm", kind != QkNorm::kField)) return 0;
  return kind == QkNorm::kAllHeads ? (a.heads + a.kv_heads) * a.head_dim : 2 * a.head_dim;
}

GqaAttention read_gqa(Decoder& d) {
  Fields& f = d.fields;
  GqaAttention a;
  a.heads = d.heads;
  a.kv_heads = f.integer_or("num_key_value_heads", d.heads);
  if (a.kv_heads == 0 || d.heads % a.kv_heads != 0) {
    f.refuse("num_key_value_heads", "does not divide the number of heads");
    a.kv_heads = d.heads;
  }
  const std::string_view size = either(f, "head_dim", "attention_head_dim");
  a.head_dim = f.integer_or(size, 0);
  if (a.head_dim == 0) {
    a.head_dim = std::max(1, d.hidden / d.heads);
    if (d.hidden % d.heads != 0) f.refuse("num_attention_heads", "does not divide the hidden size");
  }
  if (double(a.heads) * a.head_dim > 1e7) {
    f.refuse(size, "times the number of heads is absurdly large");
    a.head_dim = 1;
  }
  const bool all_biased = f.flag_or("use_bias", false);
  a.qkv_bias =
      all_biased || has(f, d.family.qkv_bias, "attention_bias") || f.flag_or("qkv_bias", false);
  a.out_bias =
      all_biased || f.flag_or("attention_out_bias", has(f, d.family.out_bias, "attention_bias"));
  a.output_gate = d.family.output_gate && f.flag_or("attn_output_gate", true);
  a.qk_norm_values = qk_norm_values(d, a);
  if (d.family.experts == Experts::kGptOss) a.sinks = a.heads;
  for (const char* name : {"rotary_dim", "rotary_ndims", "attention_chunk_size"}) f.ignore(name);
  return a;
}

MlaAttention read_mla(Decoder& d) {
  Fields& f = d.fields;
  MlaAttention a;
  a.heads = d.heads;
  a.q_rank = f.integer_or("q_lora_rank", 0);
  a.kv_rank = f.integer("kv_lora_rank");
  a.nope_dim = f.integer("qk_nope_head_dim");
  a.rope_dim = f.integer("qk_rope_head_dim");
  a.v_dim = f.integer("v_head_dim");
  if (f.has("index_n_heads")) {
    a.index_heads = f.integer("index_n_heads");
    a.index_dim = f.integer("index_head_dim");
    a.index_topk = f.integer("index_topk");
  }
  if (f.flag_or("attention_bias", false)) f.refuse("attention_bias", "is not understood with MLA");
  // In these files the usual names repeat parts of MLA's own, or say nothing.
  for (const char* name : {"head_dim", "qk_head_dim", "num_key_value_heads"}) f.ignore(name);
  return a;
}

CompressedAttention read_compressed(Decoder& d) {
  Fields& f = d.fields;
  CompressedAttention a;
  a.heads = d.heads;
  a.head_dim = f.integer("head_dim");
  a.rope_dim = f.integer("qk_rope_head_dim");
  a.q_rank = f.integer("q_lora_rank");
  a.out_groups = f.integer("o_groups");
  a.out_rank = f.integer("o_lora_rank");
  a.window = f.integer("sliding_window");
  a.index_heads = f.integer("index_n_heads");
  a.index_dim = f.integer("index_head_dim");
  a.index_topk = f.integer("index_topk");
  if (f.integer_or("num_key_value_heads", 1) != 1) {
    f.refuse("num_key_value_heads", "is not 1: this family shares one KV head");
  }
  return a;
}

LinearAttention read_gated_delta(Decoder& d) {
  Fields& f = d.fields;
  return {.kind = LinearAttention::Kind::kGatedDeltaNet,
          .k_heads = f.integer("linear_num_key_heads"),
          .v_heads = f.integer("linear_num_value_heads"),
          .k_dim = f.integer("linear_key_head_dim"),
          .v_dim = f.integer("linear_value_head_dim"),
          .conv = f.integer("linear_conv_kernel_dim")};
}

LinearAttention read_mamba(Decoder& d) {
  Fields& f = d.fields;
  f.ignore("expand");
  return {.kind = LinearAttention::Kind::kMamba2,
          .k_heads = f.integer("n_groups"),
          .v_heads = f.integer("mamba_num_heads"),
          .k_dim = f.integer("ssm_state_size"),
          .v_dim = f.integer("mamba_head_dim"),
          .conv = f.integer("conv_kernel")};
}

// DeepSeek-V4: a ratio for each layer, MTP layers behind the others.
std::vector<Attention> compressed_layers(Decoder& d) {
  const CompressedAttention shape = read_compressed(d);
  const std::vector<int> ratios = d.fields.integers("compress_ratios");
  std::vector<Attention> list;
  for (int ratio : ratios) {
    CompressedAttention a = shape;
    a.ratio = ratio;
    if (ratio != 4) a.index_heads = a.index_dim = a.index_topk = 0;
    if (ratio != 0 && ratio != 4 && ratio != 128) {
      d.fields.refuse("compress_ratios",
                      fmt::format("holds {}: 0, 4 and 128 are understood", ratio));
      break;
    }
    list.emplace_back(a);
  }
  if (static_cast<int>(ratios.size()) < d.layers) {
    d.fields.refuse("compress_ratios",
                    fmt::format("has {} entries for {} layers", ratios.size(), d.layers));
  }
  list.resize(d.layers + 1, Attention(shape));
  return list;
}

// "full_attention", "sliding_attention", ... of each layer, as the file says or as the family does.
std::vector<std::string> layer_types(Decoder& d) {
  Fields& f = d.fields;
  std::vector<std::string> types = f.texts("layer_types");
  if (!types.empty()) {
    if (static_cast<int>(types.size()) != d.layers) {
      f.refuse("layer_types", fmt::format("has {} entries for {} layers", types.size(), d.layers));
      types.resize(d.layers, "full_attention");
    }
    for (const char* name : {"full_attention_interval", "sliding_window_pattern",
                             "_sliding_window_pattern", "no_rope_layers"}) {
      f.ignore(name);
    }
    return types;
  }
  types.assign(d.layers, "full_attention");
  auto rest = [&](int period, const char* type) {
    for (int i = 0; i < d.layers; ++i) {
      if (period > 0 && (i + 1) % period != 0) types[i] = type;
    }
  };
  if (d.family.mixer == Mixer::kGatedDelta)
    rest(f.integer_or("full_attention_interval", 4), "linear_attention");
  if (d.family.window == Window::kLayerTypes) {
    rest(f.integer_or("sliding_window_pattern", d.family.window_period), "sliding_attention");
  }
  if (d.family.window == Window::kAll) types.assign(d.layers, "sliding_attention");
  if (d.family.window == Window::kQwen && f.flag_or("use_sliding_window", false)) {
    const int first = std::min(d.layers, f.integer_or("max_window_layers", d.layers));
    std::fill(types.begin() + first, types.end(), "sliding_attention");
  }
  f.ignore("no_rope_layers");
  if (d.family.experts == Experts::kLlama4) {
    const std::vector<int> rotary =
        f.integers("no_rope_layers");  // 1: with rotary embedding, in chunks
    for (int i = 0; i < d.layers; ++i) {
      const bool chunked =
          rotary.empty() ? (i + 1) % 4 != 0 : i < std::ssize(rotary) && rotary[i] != 0;
      if (chunked) types[i] = "chunked_attention";
    }
  }
  return types;
}

std::vector<Attention> read_attentions(Decoder& d) {
  if (d.family.mixer == Mixer::kMla) return {std::size_t(d.layers), Attention(read_mla(d))};
  if (d.family.mixer == Mixer::kCompressed) return compressed_layers(d);
  Fields& f = d.fields;
  const GqaAttention full = read_gqa(d);
  GqaAttention windowed = full;
  windowed.window = f.integer_or("sliding_window", 0);
  // A chunk holds half of itself on average; its whole is the bound.
  GqaAttention chunked = full;
  chunked.window = f.integer_or("attention_chunk_size", 0);
  LinearAttention linear;
  if (d.family.mixer == Mixer::kGatedDelta) linear = read_gated_delta(d);
  std::vector<Attention> list;
  for (const std::string& type : layer_types(d)) {
    if (type == "full_attention") {
      list.emplace_back(full);
    } else if (type == "sliding_attention") {
      list.emplace_back(windowed);
    } else if (type == "chunked_attention") {
      list.emplace_back(chunked);
    } else if (type == "linear_attention" && d.family.mixer == Mixer::kGatedDelta) {
      list.emplace_back(linear);
    } else {
      f.refuse("layer_types",
               fmt::format("holds '{}', which is not understood for this family", type));
      list.resize(d.layers, Attention(full));
      break;
    }
  }
  return list;
}

DenseFfn read_dense(Decoder& d) {
  Fields& f = d.fields;
  DenseFfn ffn{.width = 0, .gated = d.family.gated, .bias = has(f, d.family.mlp_bias, "mlp_bias")};
  if (d.family.experts == Experts::kLlama4) {
    ffn.width = f.integer("intermediate_size_mlp");
  } else if (d.family.model_type == "gpt2" && !f.has("intermediate_size")) {
    // The paper's layers are four times as wide as the stream; the file may say otherwise.
    f.ignore("intermediate_size");
    ffn.width = f.integer_or("n_inner", std::min(d.hidden, 25000000) * 4);
  } else {
    ffn.width = f.integer(either(f, "intermediate_size", "ffn_dim"));
  }
  if (f.flag_or("use_bias", false)) ffn.bias = true;
  return ffn;
}

// A shared expert as wide as `count` experts is one matrix product, as stacks run it.
void set_shared(MoeFfn& moe, Fields& f, std::string_view count_name, int count) {
  if (double(count) * moe.width > 1e8) {
    f.refuse(count_name, "makes shared experts absurdly wide");
    return;
  }
  moe.shared = count;
  moe.shared_width = moe.width;
}

void read_qwen_experts(Fields& f, MoeFfn& moe) {
  moe.experts = f.integer("num_experts");
  moe.active = f.integer("num_experts_per_tok");
  moe.width = f.integer("moe_intermediate_size");
  moe.shared_width = f.integer_or("shared_expert_intermediate_size", 0);
  moe.shared = moe.shared_width > 0 ? 1 : 0;
  moe.shared_gate = moe.shared > 0;
  f.ignore("intermediate_size");  // only of layers in mlp_only_layers; unused otherwise
}

void read_deepseek_experts(Fields& f, MoeFfn& moe) {
  moe.experts = f.integer("n_routed_experts");
  moe.active = f.integer("num_experts_per_tok");
  moe.width = f.integer("moe_intermediate_size");
  set_shared(moe, f, "n_shared_experts", f.integer_or("n_shared_experts", 0));
  const std::string scores = f.text_or("scoring_func", "sigmoid");
  if (f.text_or("topk_method", scores == "softmax" ? "greedy" : "noaux_tc") == "noaux_tc") {
    moe.router_bias = moe.experts;
  }
  const int groups = f.integer_or("n_group", 1);
  const int active_groups = f.integer_or("topk_group", 1);
  if (groups > 1 && active_groups < groups) {
    moe.groups = groups;
    moe.groups_active = active_groups;
  }
}

void read_pangu_experts(Fields& f, MoeFfn& moe) {
  moe.experts = f.integer("num_experts");
  moe.active = f.integer("num_experts_per_tok");
  moe.width = f.integer("moe_intermediate_size");
  moe.shared_width = f.integer("shared_expert_intermediate_size");
  moe.shared = 1;
  f.ignore("n_shared_experts");
  moe.groups = moe.groups_active = f.integer_or("n_group", 0);  // every group, one expert of each
}

MoeFfn read_moe(Decoder& d) {
  Fields& f = d.fields;
  MoeFfn moe;
  switch (d.family.experts) {
    case Experts::kQwen:
      read_qwen_experts(f, moe);
      break;
    case Experts::kDeepSeek:
      read_deepseek_experts(f, moe);
      break;
    case Experts::kPangu:
      read_pangu_experts(f, moe);
      break;
    case Experts::kMixtral:
    case Experts::kGptOss:
    case Experts::kMiniMax:
    case Experts::kLlama4:
      moe.experts = f.integer("num_local_experts");
      moe.active = f.integer(either(f, "num_experts_per_tok", "experts_per_token"));
      moe.width = f.integer("intermediate_size");
      f.ignore("experts_per_token");
      moe.bias = d.family.experts == Experts::kGptOss;
      if (d.family.experts == Experts::kLlama4) set_shared(moe, f, "intermediate_size", 1);
      if (d.family.experts == Experts::kMiniMax) {
        if (f.flag_or("use_routing_bias", false)) moe.router_bias = moe.experts;
        if (f.integer_or("shared_intermediate_size", 0) > 0) {
          f.refuse("shared_intermediate_size", "is not understood for this family");
        }
        // MTP modules are announced but no published total or checkpoint describes them: not
        // counted.
        for (const char* name : {"num_mtp_modules", "mtp_transformer_layers"}) f.ignore(name);
      }
      break;
    case Experts::kErnie:
      moe.experts = f.integer("moe_num_experts");
      moe.active = f.integer("moe_k");
      moe.width = f.integer("moe_intermediate_size");
      moe.router_bias = moe.experts;
      set_shared(moe, f, "moe_num_shared_experts", f.integer_or("moe_num_shared_experts", 0));
      break;
    case Experts::kHunyuan:
      moe.experts = f.uniform_or("num_experts", 1);
      moe.active = f.uniform_or("moe_topk", 1);
      moe.width = f.uniform_or(
          f.has("moe_intermediate_size") ? "moe_intermediate_size" : "intermediate_size", 1);
      set_shared(moe, f, "num_shared_expert", f.uniform_or("num_shared_expert", 0));
      f.ignore("intermediate_size");
      if (f.flag_or("use_cla", false)) f.refuse("use_cla", "is not understood");
      break;
    case Experts::kNone:
      break;
  }
  if (moe.active > moe.experts) {
    f.refuse(either(f, "num_experts_per_tok", "moe_topk"), "is more than there are experts");
  }
  return moe;
}

// Which layers hold experts; the others are dense.
std::vector<bool> expert_layers(Decoder& d) {
  Fields& f = d.fields;
  std::vector<bool> sparse(d.layers, d.family.experts != Experts::kNone);
  int first = 0, last = d.layers - 1, period = 1;
  if (d.family.experts == Experts::kQwen) {
    period = std::max(1, f.integer_or("decoder_sparse_step", 1));
  } else if (d.family.experts == Experts::kDeepSeek && d.family.mixer != Mixer::kCompressed) {
    if (!f.has("first_k_dense_replace")) f.integer("first_k_dense_replace");
    first = f.integer_or("first_k_dense_replace", 0);
    if (f.integer_or("moe_layer_freq", 1) != 1) {
      f.refuse("moe_layer_freq", "is not 1, which no published model uses");
    }
  } else if (d.family.experts == Experts::kErnie) {
    first = f.integer("moe_layer_start_index");
    const int end = f.integer_or("moe_layer_end_index", -1, -1);
    if (end >= 0) last = end;
    period = std::max(1, f.integer_or("moe_layer_interval", 1));
  } else if (d.family.experts == Experts::kLlama4) {
    period = std::max(1, f.integer_or("interleave_moe_layer_step", 1));
  }
  for (int i = 0; i < d.layers; ++i) {
    if (i < first || i > last || (i + 1) % period != 0) sparse[i] = false;
  }
  if (const std::vector<int> listed = f.integers("moe_layers"); !listed.empty()) {
    std::fill(sparse.begin(), sparse.end(), false);
    for (int i : listed) {
      if (i < d.layers) sparse[i] = true;
    }
  }
  for (int i : f.integers("mlp_only_layers")) {
    if (i < d.layers) sparse[i] = false;
  }
  return sparse;
}

std::vector<Ffn> read_ffns(Decoder& d) {
  const std::vector<bool> sparse = expert_layers(d);
  std::vector<Ffn> list(d.layers);
  const bool any_dense = std::find(sparse.begin(), sparse.end(), false) != sparse.end();
  const Ffn dense = any_dense ? Ffn(read_dense(d)) : Ffn();
  const Ffn routed = d.family.experts == Experts::kNone ? Ffn() : Ffn(read_moe(d));
  const int hashed =
      d.family.mixer == Mixer::kCompressed ? d.fields.integer_or("num_hash_layers", 0) : 0;
  for (int i = 0; i < d.layers; ++i) {
    list[i] = sparse[i] ? routed : dense;
    if (auto* moe = std::get_if<MoeFfn>(&list[i]); moe && i < hashed) {
      moe->hash_routed = true;
      moe->router_bias = 0;
    }
  }
  if (!any_dense && d.family.experts == Experts::kDeepSeek) d.fields.ignore("intermediate_size");
  if (!any_dense && d.family.experts == Experts::kLlama4) d.fields.ignore("intermediate_size_mlp");
  if (d.family.experts == Experts::kErnie) d.fields.ignore("intermediate_size");
  return list;
}

std::string kind_name(const Attention& attention) {
  if (const auto* a = std::get_if<GqaAttention>(&attention))
    return a->window > 0 ? "window attention" : "attention";
  if (std::holds_alternative<MlaAttention>(attention)) return "MLA";
  if (const auto* a = std::get_if<CompressedAttention>(&attention)) {
    return a->ratio > 0 ? fmt::format("attention compressed {}:1", a->ratio) : "window attention";
  }
  if (const auto* a = std::get_if<LinearAttention>(&attention)) {
    return a->kind == LinearAttention::Kind::kMamba2 ? "Mamba-2" : "gated delta net";
  }
  return "";
}

std::string kind_name(const Ffn& ffn) {
  if (const auto* moe = std::get_if<MoeFfn>(&ffn)) return moe->hash_routed ? "MoE by table" : "MoE";
  return std::holds_alternative<DenseFfn>(ffn) ? "dense FFN" : "";
}

void add_layer(std::vector<LayerGroup>& groups, LayerGroup layer) {
  for (LayerGroup& group : groups) {
    if (group.attention == layer.attention && group.ffn == layer.ffn) {
      ++group.count;
      return;
    }
  }
  const std::string attention = kind_name(layer.attention), ffn = kind_name(layer.ffn);
  layer.name = attention + (attention.empty() || ffn.empty() ? "" : " + ") + ffn;
  layer.count = 1;
  groups.push_back(std::move(layer));
}

// Nemotron-H: one letter a block, each with one norm.
std::vector<LayerGroup> pattern_layers(Decoder& d) {
  Fields& f = d.fields;
  const std::string pattern = f.text_or("hybrid_override_pattern", "");
  if (static_cast<int>(pattern.size()) != d.layers) {
    f.refuse("hybrid_override_pattern",
             fmt::format("has {} letters for {} layers", pattern.size(), d.layers));
  }
  const LinearAttention mamba = read_mamba(d);
  const GqaAttention attention = read_gqa(d);
  f.ignore("head_dim");
  const auto used = [&](char letter) { return pattern.find(letter) != std::string::npos; };
  DenseFfn dense;
  MoeFfn moe;
  f.ignore("intermediate_size");
  if (used('-'))
    dense = {.width = f.integer("intermediate_size"),
             .gated = false,
             .bias = f.flag_or("mlp_bias", false)};
  if (used('E')) {
    read_deepseek_experts(f, moe);
    moe.gated = false;
    moe.shared_width = f.integer_or("moe_shared_expert_intermediate_size", moe.shared_width);
    moe.latent = f.integer_or("moe_latent_size", 0);
  } else {
    // Present with values of another variant where no block holds experts.
    for (const char* name :
         {"n_routed_experts", "n_shared_experts", "num_experts_per_tok", "n_group", "topk_group",
          "moe_intermediate_size", "moe_shared_expert_intermediate_size", "moe_latent_size"}) {
      f.ignore(name);
    }
  }
  std::vector<LayerGroup> groups;
  for (char letter : pattern) {
    LayerGroup block;
    block.norms = 1;
    if (letter == 'M') {
      block.attention = mamba;
    } else if (letter == '*') {
      block.attention = attention;
    } else if (letter == '-') {
      block.ffn = dense;
    } else if (letter == 'E') {
      block.ffn = moe;
    } else {
      f.refuse("hybrid_override_pattern",
               fmt::format("holds '{}': M, *, - and E are understood", letter));
      break;
    }
    add_layer(groups, block);
  }
  return groups;
}

// A multi-token-prediction layer is one more layer, three norms and a projection of embedding and
// state into the stream (DeepSeek-V3, arXiv 2412.19437 section 2.2).
void read_mtp(Decoder& d, Model& model, const Attention& attention, const Ffn& ffn) {
  const std::string_view name =
      either(d.fields, "num_nextn_predict_layers", "mtp_num_hidden_layers");
  const int count = d.fields.integer_or(name, 0);
  d.fields.ignore("mtp_use_dedicated_embeddings");
  if (d.fields.has("dspark_block_size")) {
    // A drafter of another design stands in the place of these layers; it is beside the total as
    // well.
    for (const char* part : {"dspark_block_size", "dspark_markov_rank"}) d.fields.ignore(part);
    return;
  }
  if (count == 0) return;
  LayerGroup layer;
  layer.name = "MTP layer";
  layer.count = count;
  layer.attention = attention;
  layer.ffn = ffn;
  layer.norms = d.family.norms + 3;
  layer.extra_parameters = 2.0 * d.hidden * d.hidden;
  if (!model.layers.empty()) layer.streams = model.layers.back().streams;
  model.mtp = {layer};
}

void read_layers(Decoder& d, Model& model) {
  const std::vector<Attention> attentions = read_attentions(d);
  const std::vector<Ffn> ffns = read_ffns(d);
  const int streams = d.family.mixer == Mixer::kCompressed ? d.fields.integer("hc_mult") : 1;
  for (int i = 0; i < d.layers; ++i) {
    LayerGroup layer;
    layer.attention = attentions[i];
    layer.ffn = ffns[i];
    layer.norms = d.family.norms;
    layer.norm_bias = d.family.norm_bias;
    layer.streams = streams;
    add_layer(model.layers, layer);
  }
  Attention last = attentions.back();
  for (const Attention& attention : attentions) {
    if (d.family.mixer == Mixer::kGatedDelta && std::holds_alternative<GqaAttention>(attention))
      last = attention;
  }
  read_mtp(d, model, last, ffns.back());
}

// What only OPT's files say.
void check_opt(Fields& f, int hidden) {
  if (f.integer_or("word_embed_proj_dim", hidden) != hidden) {
    f.refuse("word_embed_proj_dim", "differs from hidden_size, which is not understood");
  }
  if (!f.flag_or("do_layer_norm_before", true))
    f.refuse("do_layer_norm_before", "is false, which is not understood");
}

}  // namespace

Model read_decoder(Fields& f, const Family& family) {
  Decoder d{f, family};
  d.hidden = f.integer(either(f, "hidden_size", "n_embd"));
  d.layers = f.integer(either(f, "num_hidden_layers", "n_layer"));
  d.heads = f.integer(either(f, "num_attention_heads", "n_head"));
  if (d.layers > kMostLayers) {
    f.refuse("num_hidden_layers", fmt::format("is {}: more than {} layers", d.layers, kMostLayers));
    d.layers = 1;
  }
  Model model;
  model.hidden = d.hidden;
  model.vocabulary = f.integer("vocab_size");
  model.tied_embeddings = f.flag_or("tie_word_embeddings", family.tied);
  const std::string_view positions = either(f, "max_position_embeddings", "n_positions");
  model.max_context = f.integer_or(positions, 0);
  f.ignore("n_ctx");
  if (family.learned_positions) {
    const int offset = family.model_type == "opt" ? 2 : 0;
    model.position_parameters = double(d.hidden) * (double(f.integer(positions)) + offset);
  }
  if (family.model_type == "opt") check_opt(f, d.hidden);
  if (family.mixer == Mixer::kMamba) {
    model.layers = pattern_layers(d);
  } else {
    read_layers(d, model);
  }
  f.refuse_unread_shapes();
  return model;
}

}  // namespace fivefold
