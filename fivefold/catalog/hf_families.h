// What distinguishes one family of published models from the next, as data: the visible table of
// what read_hf_config understands is in hf_config.cpp.
#pragma once

#include <string_view>

#include "fivefold/catalog/hf_fields.h"
#include "fivefold/catalog/model.h"

namespace fivefold {

// Whether something is there: never, always, or as a field of the file says (absent: no, or yes).
enum class Has { kNo, kYes, kField, kFieldOrYes };

enum class Mixer { kGqa, kMla, kCompressed, kGatedDelta, kMamba };
enum class QkNorm {
  kNone,
  kPerHead,
  kAllHeads,
  kField
};  // kField: use_qk_norm, one vector of head size
enum class Window {
  kNone,
  kAll,         // sliding_window on every layer
  kQwen,        // use_sliding_window, from layer max_window_layers on
  kLayerTypes,  // layer_types, else every `window_period`-th layer is full
};
enum class Experts {
  kNone,
  kMixtral,
  kQwen,
  kDeepSeek,
  kGptOss,
  kMiniMax,
  kPangu,
  kErnie,
  kHunyuan,
  kLlama4
};

struct Family {
  std::string_view model_type;
  Mixer mixer = Mixer::kGqa;
  Experts experts = Experts::kNone;
  Has qkv_bias = Has::kField;  // attention_bias
  Has out_bias = Has::kNo;
  Has mlp_bias = Has::kNo;  // mlp_bias
  bool gated = true;
  QkNorm qk_norm = QkNorm::kNone;
  Window window = Window::kNone;
  int window_period = 0;
  int norms = 2;
  bool norm_bias = false;
  bool tied = false;  // if the file does not say
  bool learned_positions = false;
  bool output_gate = false;
};

// A language model: its layers, tables and MTP layers.
Model read_decoder(Fields& fields, const Family& family);

// The families of encoders and towers; each reads its own fields.
Model read_dinov2(Fields& fields);
Model read_vit(Fields& fields);
Model read_sam(Fields& fields);
Model read_clip(Fields& fields);
Tower read_qwen2_vision(Fields fields, bool gated);
Tower read_qwen3_vision(Fields fields);
Tower read_siglip_vision(Fields fields, int text_hidden);
Tower read_llama4_vision(Fields fields, int text_hidden);

// Format of published weights, from dtype and quantization_config.
void read_formats(Fields& fields, Model& model);

}  // namespace fivefold
