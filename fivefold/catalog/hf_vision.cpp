// Image encoders, and the vision towers beside language models. Counts follow the layers of the
// published implementations (transformers), which the model cards' totals confirm.
#include <string>

#include "fivefold/catalog/hf_families.h"

namespace fivefold {
namespace {

double squared(double x) {
  return x * x;
}

// A pre-norm transformer layer with biases everywhere and LayerNorm, the usual ViT.
LayerGroup vit_layers(int count, int hidden, int heads, int width, bool qkv_bias = true) {
  LayerGroup layer;
  layer.name = "encoder layer";
  layer.count = count;
  layer.attention = GqaAttention{.heads = heads,
                                 .kv_heads = heads,
                                 .head_dim = heads > 0 ? hidden / heads : 0,
                                 .qkv_bias = qkv_bias,
                                 .out_bias = true,
                                 .causal = false};
  layer.ffn = DenseFfn{.width = width, .gated = false, .bias = true};
  layer.norm_bias = true;
  return layer;
}

double parameters_of(const LayerGroup& layer, int hidden) {
  Model model;
  model.hidden = hidden;
  model.layers = {layer};
  model.final_norm = false;
  model.lm_head = false;
  return count_parameters(model).total;
}

Tower tower_of(std::string name, const LayerGroup& layer, int hidden, int heads, int width,
               bool gated) {
  return {.name = std::move(name),
          .layers = layer.count,
          .hidden = hidden,
          .heads = heads,
          .width = width,
          .gated = gated,
          .tokens = 0,
          .parameters = parameters_of(layer, hidden)};
}

Model encoder(int hidden) {
  Model model;
  model.hidden = hidden;
  model.lm_head = false;
  return model;
}

void check_heads(Fields& fields, std::string_view name, int hidden, int heads) {
  if (hidden % heads != 0) fields.refuse(name, "does not divide the hidden size");
}

int scaled(Fields& fields, std::string_view name, int size, double ratio) {
  const double value = size * ratio;
  if (value >= 1 && value <= 1e8) return static_cast<int>(value);
  fields.refuse(name, "gives a width that makes no sense");
  return 1;
}

int patches(Fields& fields, int image, int patch) {
  if (image < patch) {
    fields.refuse("patch_size", "is larger than the image");
    return 1;
  }
  const double side = image / patch;
  if (squared(side) > 1e6) {
    fields.refuse("image_size", "gives more than a million patches");
    return 1;
  }
  return static_cast<int>(squared(side));
}

}  // namespace

// ViT (arXiv 2010.11929): class token, learned positions, pooler not counted (classification heads
// differ).
Model read_vit(Fields& fields) {
  const int hidden = fields.integer("hidden_size"), heads = fields.integer("num_attention_heads");
  check_heads(fields, "num_attention_heads", hidden, heads);
  const int patch = fields.integer("patch_size");
  const int channels = fields.integer_or("num_channels", 3);
  const int count = patches(fields, fields.integer("image_size"), patch);
  fields.ignore("encoder_stride");
  Model model = encoder(hidden);
  model.layers = {vit_layers(fields.integer("num_hidden_layers"), hidden, heads,
                             fields.integer("intermediate_size"),
                             fields.flag_or("qkv_bias", true))};
  model.image_tokens = count + 1;
  model.other_parameters =
      double(hidden) * (channels * squared(patch) + 1) + double(hidden) * (count + 1) + hidden;
  return model;
}

// DINOv2 (arXiv 2304.07193): a ViT with layer scale, a class and a mask token.
Model read_dinov2(Fields& fields) {
  const int hidden = fields.integer("hidden_size"), heads = fields.integer("num_attention_heads");
  check_heads(fields, "num_attention_heads", hidden, heads);
  const int patch = fields.integer("patch_size");
  const int channels = fields.integer_or("num_channels", 3);
  const int count = patches(fields, fields.integer("image_size"), patch);
  const int registers = fields.integer_or("num_register_tokens", 0);
  if (fields.flag_or("use_swiglu_ffn", false)) {
    fields.refuse("use_swiglu_ffn", "is not understood for this family");
  }
  Model model = encoder(hidden);
  LayerGroup layer =
      vit_layers(fields.integer("num_hidden_layers"), hidden, heads,
                 scaled(fields, "mlp_ratio", hidden, fields.number_or("mlp_ratio", 4)),
                 fields.flag_or("qkv_bias", true));
  layer.extra_parameters = 2.0 * hidden;
  fields.ignore("layerscale_value");
  model.layers = {layer};
  model.image_tokens = count + 1 + registers;
  model.other_parameters = double(hidden) * (channels * squared(patch) + 1) +
                           double(hidden) * (count + 1) + double(hidden) * (2 + registers);
  return model;
}

// The image encoder of Segment Anything (arXiv 2304.02643): windows but for some global layers,
// relative positions per axis and head size, a neck of two convolutions with norms.
Model read_sam(Fields& whole) {
  for (const char* name : {"mask_decoder_config", "prompt_encoder_config"}) whole.ignore(name);
  Fields fields = whole.part("vision_config");
  const int hidden = fields.integer("hidden_size"), heads = fields.integer("num_attention_heads");
  check_heads(fields, "num_attention_heads", hidden, heads);
  const int patch = fields.integer("patch_size"), layers = fields.integer("num_hidden_layers");
  const int channels = fields.integer_or("num_channels", 3);
  const int image = fields.integer("image_size"), count = patches(fields, image, patch);
  const int window = fields.integer("window_size"), out = fields.integer("output_channels");
  const int global = static_cast<int>(fields.integers("global_attn_indexes").size());
  const int width = fields.has("mlp_dim")
                        ? fields.integer("mlp_dim")
                        : scaled(fields, "mlp_ratio", hidden, fields.number_or("mlp_ratio", 4));
  for (const char* name : {"num_pos_feats", "use_abs_pos", "mlp_ratio", "projection_dim"})
    fields.ignore(name);
  if (global >= layers) fields.refuse("global_attn_indexes", "names all layers or more");
  const bool relative = fields.flag_or("use_rel_pos", true);
  const double head_dim = double(hidden) / heads, side = double(image / patch);

  Model model = encoder(hidden);
  LayerGroup windowed =
      vit_layers(layers - global, hidden, heads, width, fields.flag_or("qkv_bias", true));
  LayerGroup whole_image = windowed;
  windowed.name = "windowed encoder layer";
  whole_image.name = "global encoder layer";
  whole_image.count = global;
  std::get<GqaAttention>(windowed.attention).window =
      static_cast<int>(squared(std::min(window, 1000)));
  if (relative) {
    windowed.extra_parameters = 2 * (2.0 * window - 1) * head_dim;
    whole_image.extra_parameters = 2 * (2 * side - 1) * head_dim;
  }
  model.layers = {windowed, whole_image};
  model.final_norm = false;
  model.image_tokens = count;
  model.other_parameters = double(hidden) * (channels * squared(patch) + 1) +
                           double(hidden) * count + double(hidden) * out + 9 * squared(out) +
                           4.0 * out;
  fields.refuse_unread_shapes();
  return model;
}

// CLIP (arXiv 2103.00020): the model is its vision encoder, the text encoder stands beside it.
Model read_clip(Fields& whole) {
  const int projection = whole.integer("projection_dim");
  Fields vision = whole.part("vision_config"), text = whole.part("text_config");
  const int hidden = vision.integer("hidden_size"), heads = vision.integer("num_attention_heads");
  check_heads(vision, "num_attention_heads", hidden, heads);
  const int patch = vision.integer("patch_size"), channels = vision.integer_or("num_channels", 3);
  const int count = patches(vision, vision.integer("image_size"), patch);
  Model model = encoder(hidden);
  model.layers = {vit_layers(vision.integer("num_hidden_layers"), hidden, heads,
                             vision.integer("intermediate_size"))};
  model.image_tokens = count + 1;
  // Patches without bias, class token and positions, norm before the layers; projections; logit
  // scale.
  model.other_parameters = double(hidden) * channels * squared(patch) +
                           double(hidden) * (count + 2) + 2.0 * hidden +
                           double(projection) * hidden + 1;

  const int text_hidden = text.integer("hidden_size"),
            text_heads = text.integer("num_attention_heads");
  check_heads(text, "num_attention_heads", text_hidden, text_heads);
  const int width = text.integer("intermediate_size");
  const LayerGroup layer =
      vit_layers(text.integer("num_hidden_layers"), text_hidden, text_heads, width);
  Tower tower = tower_of("text tower", layer, text_hidden, text_heads, width, false);
  tower.parameters += double(text_hidden) * (double(text.integer("vocab_size")) +
                                             text.integer("max_position_embeddings")) +
                      2.0 * text_hidden + double(projection) * text_hidden;
  model.towers = {tower};
  for (Fields* part : {&vision, &text}) {
    part->ignore("projection_dim");
    part->refuse_unread_shapes();
  }
  return model;
}

// Qwen2-VL (LayerNorm, two matrices) and Qwen2.5-VL (RMSNorm, gated): patches over two frames, a
// merger of 2 x 2 patches with an MLP into the language model.
Tower read_qwen2_vision(Fields fields, bool gated) {
  const int layers = fields.integer("depth"), heads = fields.integer("num_heads");
  const int hidden = fields.integer(gated ? "hidden_size" : "embed_dim");
  const int out = fields.integer(gated ? "out_hidden_size" : "hidden_size");
  const int width = gated ? fields.integer("intermediate_size")
                          : scaled(fields, "mlp_ratio", hidden, fields.number_or("mlp_ratio", 4));
  check_heads(fields, "num_heads", hidden, heads);
  LayerGroup layer = vit_layers(layers, hidden, heads, width);
  layer.norm_bias = !gated;
  layer.ffn = DenseFfn{.width = width, .gated = gated, .bias = true};
  Tower tower = tower_of("vision tower", layer, hidden, heads, width, gated);
  const double patch = fields.integer("patch_size"),
               frames = fields.integer_or("temporal_patch_size", 2);
  const double merged = hidden * squared(fields.integer_or("spatial_merge_size", 2));
  const double channels =
      fields.integer_or(fields.has("in_channels") ? "in_channels" : "in_chans", 3);
  tower.parameters += channels * frames * squared(patch) * hidden;
  tower.parameters += hidden * (gated ? 1 : 2) + merged * merged + merged + merged * out + out;
  for (const char* name : {"window_size", "spatial_patch_size", "fullatt_block_indexes"})
    fields.ignore(name);
  fields.refuse_unread_shapes();
  return tower;
}

// Qwen3-VL and Qwen3.5: learned positions, patches with bias; every deep-stack index has a merger
// of its own, whose norm is over the merged patches.
Tower read_qwen3_vision(Fields fields) {
  const int layers = fields.integer("depth"), heads = fields.integer("num_heads");
  const int hidden = fields.integer("hidden_size"), width = fields.integer("intermediate_size");
  check_heads(fields, "num_heads", hidden, heads);
  Tower tower = tower_of("vision tower", vit_layers(layers, hidden, heads, width), hidden, heads,
                         width, false);
  const double patch = fields.integer("patch_size"),
               frames = fields.integer_or("temporal_patch_size", 2);
  const double out = fields.integer("out_hidden_size");
  const double merged = hidden * squared(fields.integer_or("spatial_merge_size", 2));
  const double merger = merged * merged + merged + merged * out + out;
  const double deep = static_cast<double>(fields.integers("deepstack_visual_indexes").size());
  tower.parameters += hidden * (fields.integer_or("in_channels", 3) * frames * squared(patch) + 1);
  tower.parameters += double(hidden) * fields.integer("num_position_embeddings");
  tower.parameters += merger + 2.0 * hidden + deep * (merger + 2 * merged);
  fields.refuse_unread_shapes();
  return tower;
}

// SigLIP as Gemma 3 uses it, with its projection into the language model.
Tower read_siglip_vision(Fields fields, int text_hidden) {
  const int hidden = fields.integer("hidden_size"), heads = fields.integer("num_attention_heads");
  const int width = fields.integer("intermediate_size"), patch = fields.integer("patch_size");
  check_heads(fields, "num_attention_heads", hidden, heads);
  const LayerGroup layer = vit_layers(fields.integer("num_hidden_layers"), hidden, heads, width);
  Tower tower = tower_of("vision tower", layer, hidden, heads, width, false);
  tower.tokens = patches(fields, fields.integer("image_size"), patch);
  tower.parameters += double(hidden) * (fields.integer_or("num_channels", 3) * squared(patch) + 1);
  tower.parameters += double(hidden) * tower.tokens + 2.0 * hidden;  // positions, last norm
  tower.parameters += double(hidden) * text_hidden + hidden;         // projection with its norm
  if (fields.flag_or("vision_use_head", false))
    fields.refuse("vision_use_head", "is not understood");
  fields.refuse_unread_shapes();
  return tower;
}

// Llama 4: norms before and after the layers, an adapter that shuffles pixels, then a projection.
Tower read_llama4_vision(Fields fields, int text_hidden) {
  const int hidden = fields.integer("hidden_size"), heads = fields.integer("num_attention_heads");
  const int width = fields.integer("intermediate_size"), patch = fields.integer("patch_size");
  check_heads(fields, "num_attention_heads", hidden, heads);
  const LayerGroup layer = vit_layers(fields.integer("num_hidden_layers"), hidden, heads, width);
  Tower tower = tower_of("vision tower", layer, hidden, heads, width, false);
  tower.tokens = patches(fields, fields.integer("image_size"), patch) + 1;
  const double in = fields.integer("projector_input_dim"),
               out = fields.integer("projector_output_dim");
  const double seen = fields.integer("vision_output_dim");
  tower.parameters += double(hidden) * fields.integer_or("num_channels", 3) * squared(patch);
  tower.parameters += double(hidden) * (tower.tokens + 1) + 4.0 * hidden;
  tower.parameters += width * in + in * out + seen * text_hidden;
  for (const char* name : {"pixel_shuffle_ratio", "multi_modal_projector_bias"})
    fields.ignore(name);
  fields.refuse_unread_shapes();
  return tower;
}

}  // namespace fivefold
