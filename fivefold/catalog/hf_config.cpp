// Reads config.json of the families below; everything else is refused, never guessed.
//
// Field names and defaults are those of the published implementations (transformers); which layers
// exist follows the papers named at each reader. tests hold the counts against the published
// totals.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "fivefold/catalog/hf_families.h"

namespace fivefold {
namespace {

// Decoders, one line each: what sets a family apart from Llama.
constexpr auto kDecoders = std::to_array<Family>({
    {.model_type = "llama", .out_bias = Has::kField, .mlp_bias = Has::kField},
    {.model_type = "mistral", .window = Window::kAll},
    {.model_type = "mixtral", .experts = Experts::kMixtral, .window = Window::kAll},
    {.model_type = "phi3", .window = Window::kAll},
    {.model_type = "granite", .out_bias = Has::kField, .mlp_bias = Has::kField, .tied = true},
    {.model_type = "seed_oss", .out_bias = Has::kField},
    {.model_type = "smollm3", .out_bias = Has::kField, .mlp_bias = Has::kField, .tied = true},
    {.model_type = "olmo2", .out_bias = Has::kField, .qk_norm = QkNorm::kAllHeads},
    {.model_type = "olmo3",
     .out_bias = Has::kField,
     .qk_norm = QkNorm::kAllHeads,
     .window = Window::kLayerTypes,
     .window_period = 4},
    {.model_type = "cohere", .out_bias = Has::kField, .norms = 1, .tied = true},
    {.model_type = "starcoder2",
     .qkv_bias = Has::kYes,
     .out_bias = Has::kYes,
     .mlp_bias = Has::kYes,
     .gated = false,
     .window = Window::kAll,
     .norm_bias = true,
     .tied = true},
    {.model_type = "gemma", .out_bias = Has::kField, .tied = true},
    {.model_type = "gemma2",
     .out_bias = Has::kField,
     .window = Window::kLayerTypes,
     .window_period = 2,
     .norms = 4,
     .tied = true},
    {.model_type = "gemma3_text",
     .out_bias = Has::kField,
     .qk_norm = QkNorm::kPerHead,
     .window = Window::kLayerTypes,
     .window_period = 6,
     .norms = 4,
     .tied = true},
    {.model_type = "qwen2", .qkv_bias = Has::kYes, .window = Window::kQwen},
    {.model_type = "qwen2_moe",
     .experts = Experts::kQwen,
     .qkv_bias = Has::kYes,
     .window = Window::kQwen},
    {.model_type = "qwen3",
     .out_bias = Has::kField,
     .qk_norm = QkNorm::kPerHead,
     .window = Window::kQwen},
    {.model_type = "qwen3_moe",
     .experts = Experts::kQwen,
     .out_bias = Has::kField,
     .qk_norm = QkNorm::kPerHead,
     .window = Window::kQwen},
    {.model_type = "qwen3_next",
     .mixer = Mixer::kGatedDelta,
     .experts = Experts::kQwen,
     .qk_norm = QkNorm::kPerHead,
     .output_gate = true},
    {.model_type = "qwen3_5",
     .mixer = Mixer::kGatedDelta,
     .qk_norm = QkNorm::kPerHead,
     .output_gate = true},
    {.model_type = "qwen3_5_moe",
     .mixer = Mixer::kGatedDelta,
     .experts = Experts::kQwen,
     .qk_norm = QkNorm::kPerHead,
     .output_gate = true},
    {.model_type = "deepseek_v2", .mixer = Mixer::kMla, .experts = Experts::kDeepSeek},
    {.model_type = "deepseek_v3", .mixer = Mixer::kMla, .experts = Experts::kDeepSeek},
    {.model_type = "deepseek_v32", .mixer = Mixer::kMla, .experts = Experts::kDeepSeek},
    {.model_type = "kimi_k2", .mixer = Mixer::kMla, .experts = Experts::kDeepSeek},
    {.model_type = "glm_moe_dsa", .mixer = Mixer::kMla, .experts = Experts::kDeepSeek},
    {.model_type = "deepseek_v4", .mixer = Mixer::kCompressed, .experts = Experts::kDeepSeek},
    {.model_type = "glm4", .qkv_bias = Has::kFieldOrYes, .norms = 4},
    {.model_type = "glm4_moe",
     .experts = Experts::kDeepSeek,
     .qkv_bias = Has::kFieldOrYes,
     .qk_norm = QkNorm::kField},
    {.model_type = "dots1", .experts = Experts::kDeepSeek, .qk_norm = QkNorm::kPerHead},
    {.model_type = "gpt_oss",
     .experts = Experts::kGptOss,
     .qkv_bias = Has::kFieldOrYes,
     .out_bias = Has::kFieldOrYes,
     .window = Window::kLayerTypes,
     .window_period = 2},
    {.model_type = "minimax_m2", .experts = Experts::kMiniMax, .qk_norm = QkNorm::kAllHeads},
    {.model_type = "PanguProMoE",
     .experts = Experts::kPangu,
     .qkv_bias = Has::kYes,
     .out_bias = Has::kYes},
    {.model_type = "ernie4_5", .qkv_bias = Has::kNo, .tied = true},
    {.model_type = "ernie4_5_moe", .experts = Experts::kErnie, .qkv_bias = Has::kNo, .tied = true},
    {.model_type = "hunyuan_v1_dense", .qk_norm = QkNorm::kPerHead, .tied = true},
    {.model_type = "hunyuan_v1_moe",
     .experts = Experts::kHunyuan,
     .qk_norm = QkNorm::kField,
     .tied = true},
    {.model_type = "llama4_text", .experts = Experts::kLlama4, .out_bias = Has::kField},
    {.model_type = "nemotron_h", .mixer = Mixer::kMamba},
    {.model_type = "gpt2",
     .qkv_bias = Has::kYes,
     .out_bias = Has::kYes,
     .mlp_bias = Has::kYes,
     .gated = false,
     .norm_bias = true,
     .tied = true,
     .learned_positions = true},
    {.model_type = "gpt_neox",
     .qkv_bias = Has::kFieldOrYes,
     .out_bias = Has::kFieldOrYes,
     .mlp_bias = Has::kYes,
     .gated = false,
     .norm_bias = true},
    {.model_type = "opt",
     .qkv_bias = Has::kYes,
     .out_bias = Has::kYes,
     .mlp_bias = Has::kYes,
     .gated = false,
     .norm_bias = true,
     .tied = true,
     .learned_positions = true},
});

// Files that hold a language model under "text_config" and a tower beside it.
struct Wrapper {
  std::string_view model_type;
  std::string_view text_family;
  Tower (*vision)(Fields fields, int text_hidden);
};
constexpr auto kWrappers = std::to_array<Wrapper>({
    {"qwen2_vl", "qwen2", [](Fields f, int) { return read_qwen2_vision(std::move(f), false); }},
    {"qwen2_5_vl", "qwen2", [](Fields f, int) { return read_qwen2_vision(std::move(f), true); }},
    {"qwen3_vl", "qwen3", [](Fields f, int) { return read_qwen3_vision(std::move(f)); }},
    {"qwen3_vl_moe", "qwen3_moe", [](Fields f, int) { return read_qwen3_vision(std::move(f)); }},
    {"qwen3_5", "qwen3_5", [](Fields f, int) { return read_qwen3_vision(std::move(f)); }},
    {"qwen3_5_moe", "qwen3_5_moe", [](Fields f, int) { return read_qwen3_vision(std::move(f)); }},
    {"gemma3", "gemma3_text", read_siglip_vision},
    {"llama4", "llama4_text", read_llama4_vision},
});

struct Encoder {
  std::string_view model_type;
  Model (*read)(Fields& fields);
};
constexpr auto kEncoders = std::to_array<Encoder>({
    {"vit", read_vit},
    {"dinov2", read_dinov2},
    {"dinov2_with_registers", read_dinov2},
    {"sam", read_sam},
    {"clip", read_clip},
});

// The class that loads the weights says as much as model_type, which derived models like to rename.
struct Architecture {
  std::string_view name;
  std::string_view model_type;
};
constexpr auto kArchitectures = std::to_array<Architecture>({
    {"LlamaForCausalLM", "llama"},
    {"MistralForCausalLM", "mistral"},
    {"MixtralForCausalLM", "mixtral"},
    {"Qwen2ForCausalLM", "qwen2"},
    {"Qwen3ForCausalLM", "qwen3"},
    {"Qwen3MoeForCausalLM", "qwen3_moe"},
    {"Qwen3NextForCausalLM", "qwen3_next"},
    {"DeepseekV2ForCausalLM", "deepseek_v2"},
    {"DeepseekV3ForCausalLM", "deepseek_v3"},
    {"DeepseekV32ForCausalLM", "deepseek_v32"},
    {"DeepseekV4ForCausalLM", "deepseek_v4"},
    {"GlmMoeDsaForCausalLM", "glm_moe_dsa"},
    {"Glm4MoeForCausalLM", "glm4_moe"},
    {"GptOssForCausalLM", "gpt_oss"},
    {"MiniMaxM2ForCausalLM", "minimax_m2"},
    {"NemotronHForCausalLM", "nemotron_h"},
    {"PanguProMoEForCausalLM", "PanguProMoE"},
    {"GPT2LMHeadModel", "gpt2"},
});

std::vector<std::string> known_types() {
  std::vector<std::string> names;
  for (const Family& family : kDecoders) names.emplace_back(family.model_type);
  for (const Wrapper& wrapper : kWrappers) names.emplace_back(wrapper.model_type);
  for (const Encoder& encoder : kEncoders) names.emplace_back(encoder.model_type);
  return names;
}

const Family* decoder_family(std::string_view model_type) {
  for (const Family& family : kDecoders) {
    if (family.model_type == model_type) return &family;
  }
  return nullptr;
}

std::string resolve_type(Fields& fields) {
  const std::string model_type = fields.text_or("model_type", "");
  const std::vector<std::string> known = known_types();
  if (std::find(known.begin(), known.end(), model_type) != known.end()) return model_type;
  for (const std::string& name : fields.texts("architectures")) {
    for (const Architecture& architecture : kArchitectures) {
      if (architecture.name == name) return std::string(architecture.model_type);
    }
    if (model_type.empty()) return name;  // refused by that name
  }
  return model_type;
}

// A language model with a tower. Older files hold the language model's fields at the top.
Model read_wrapped(Fields& fields, const Wrapper& wrapper) {
  const Family& family = *decoder_family(wrapper.text_family);
  Model model;
  if (fields.has("text_config")) {
    Fields text = fields.part("text_config");
    fields.ignore_repeated(text);
    model = read_decoder(text, family);
    if (!text.has("tie_word_embeddings") && fields.has("tie_word_embeddings")) {
      model.tied_embeddings = fields.flag_or("tie_word_embeddings", false);
    }
    if (text.has("dtype") || text.has("torch_dtype")) read_formats(text, model);
    if (fields.has("dtype") || fields.has("torch_dtype") || fields.has("quantization_config")) {
      read_formats(fields, model);
    }
  } else {
    fields.ignore("vision_config");
    model = read_decoder(fields, family);
    read_formats(fields, model);
  }
  model.towers.push_back(wrapper.vision(fields.part("vision_config"), model.hidden));
  return model;
}

Model read_model(Fields& fields, const std::string& model_type) {
  for (const Encoder& encoder : kEncoders) {
    if (encoder.model_type != model_type) continue;
    Model model = encoder.read(fields);
    read_formats(fields, model);
    return model;
  }
  if (fields.has("vision_config")) {
    for (const Wrapper& wrapper : kWrappers) {
      if (wrapper.model_type == model_type) return read_wrapped(fields, wrapper);
    }
  }
  if (const Family* family = decoder_family(model_type)) {
    Model model = read_decoder(fields, *family);
    read_formats(fields, model);
    return model;
  }
  const std::string guess = did_you_mean(model_type, known_types());
  fields.refuse("model_type", fmt::format("is '{}': this architecture is not known", model_type),
                guess.empty()
                    ? "describe it in YAML in a folder of your own and pass that by --catalog"
                    : guess);
  return {};
}

// "deepseek-ai__DeepSeek-R1.json" is a usual way to keep the name of the hub in a file name.
std::string id_from_path(const std::string& path) {
  std::filesystem::path file(path);
  std::string stem = file.stem().string();
  if (stem == "config" && file.has_parent_path()) stem = file.parent_path().filename().string();
  const std::size_t separator = stem.find("__");
  if (separator != std::string::npos) stem.replace(separator, 2, "/");
  return stem.empty() ? "config" : stem;
}

// Products of absurd sizes stay finite numbers but mean nothing.
constexpr double kMostParameters = 1e16;

}  // namespace

Result<Model> parse_hf_config(std::string_view json, const std::string& path) {
  auto fields = Fields::parse(json, path);
  if (!fields) return fail(fields.error());
  const std::string model_type = resolve_type(*fields);
  if (model_type.empty()) {
    return fail("'model_type' and 'architectures' are missing",
                "a config.json as published on Hugging Face names its architecture there",
                {path, 1, 1});
  }
  Model model = read_model(*fields, model_type);
  if (!fields->problems().empty()) return fail(Error{fields->problems()});
  fields->refuse_unread_shapes();
  if (!fields->problems().empty()) return fail(Error{fields->problems()});
  const double total = count_parameters(model).total;
  if (!(total > 0 && total < kMostParameters)) {
    return fail(fmt::format("these sizes make {:.3g} parameters", total), "which size is wrong?",
                {path, 0, 0});
  }
  model.id = id_from_path(path);
  model.name =
      model.id.substr(model.id.find('/') == std::string::npos ? 0 : model.id.find('/') + 1);
  model.family = model_type;
  model.origin = path;
  return model;
}

Result<Model> read_hf_config(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) {
      return fail("is a folder, not a config.json", {}, {path, 0, 0});
    }
    if (!in) return fail("cannot read the file", "does it exist?", {path, 0, 0});
    return fail("the file is empty", {}, {path, 0, 0});
  }
  return parse_hf_config(text.str(), path);
}

}  // namespace fivefold
