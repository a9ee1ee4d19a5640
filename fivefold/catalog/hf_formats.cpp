#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "fivefold/catalog/hf_families.h"

namespace fivefold {
namespace {

bool leaves_attention_alone(const std::vector<std::string>& modules) {
  return std::any_of(modules.begin(), modules.end(), [](const std::string& module) {
    return module.find("self_attn") != std::string::npos;
  });
}

Format by_bits(Fields& fields, std::string_view name, int bits) {
  if (bits == 4) return Format::kInt4;
  if (bits == 8) return Format::kInt8;
  fields.refuse(name, fmt::format("is {}: 4 or 8 bits are understood", bits));
  return Format::kBf16;
}

// compressed-tensors describes groups of modules; published models hold one group.
Format compressed_tensors(Fields& quantization) {
  Fields weights = quantization.part("config_groups").part("group_0").part("weights");
  const int bits = weights.integer("num_bits");
  const std::string type = weights.text_or("type", "int");
  if (type == "float" && bits == 8) {
    return weights.text_or("strategy", "") == "block" ? Format::kFp8Block : Format::kFp8;
  }
  if (type == "float" && bits == 4) return Format::kNvFp4;
  return by_bits(weights, "num_bits", bits);
}

Format modelopt(Fields& quantization) {
  const std::string algorithm = quantization.text_or("quant_algo", "");
  if (algorithm == "FP8") return Format::kFp8;
  if (algorithm == "NVFP4") return Format::kNvFp4;
  quantization.refuse("quant_algo", fmt::format("is '{}'", algorithm),
                      "FP8 and NVFP4 are understood");
  return Format::kBf16;
}

Format quantised(Fields& quantization) {
  const std::string method = quantization.text_or("quant_method", "");
  if (method == "fp8" || method == "fbgemm_fp8") {
    return quantization.has("weight_block_size") ? Format::kFp8Block : Format::kFp8;
  }
  if (method == "mxfp4") return Format::kMxFp4;
  if (method == "compressed-tensors") return compressed_tensors(quantization);
  if (method == "modelopt") return modelopt(quantization);
  if (method == "awq" || method == "gptq") {
    return by_bits(quantization, "bits", quantization.integer("bits"));
  }
  quantization.refuse("quant_method", fmt::format("is '{}'", method),
                      "fp8, mxfp4, compressed-tensors, modelopt, awq and gptq are understood");
  return Format::kBf16;
}

}  // namespace

void read_formats(Fields& fields, Model& model) {
  const std::string dtype =
      fields.text_or(fields.has("dtype") ? "dtype" : "torch_dtype", "bfloat16");
  if (const auto format = format_from_name(dtype)) {
    model.native = *format;
  } else {
    fields.refuse(fields.has("dtype") ? "dtype" : "torch_dtype", fmt::format("is '{}'", dtype),
                  "bfloat16, float16 and float32 are understood");
  }
  model.native_experts = model.native;
  if (fields.has("quantization_config")) {
    Fields quantization = fields.part("quantization_config");
    const Format format = quantised(quantization);
    model.native_experts = format;
    std::vector<std::string> spared = quantization.texts("modules_to_not_convert");
    for (const std::string& module : quantization.texts("ignore")) spared.push_back(module);
    if (!leaves_attention_alone(spared)) model.native = format;
  }
  // DeepSeek-V4 keeps its routed experts narrower than everything else.
  const std::string experts = fields.text_or("expert_dtype", "");
  if (experts == "fp4") {
    model.native_experts = Format::kMxFp4;
  } else if (!experts.empty() && experts != "fp8") {
    fields.refuse("expert_dtype", fmt::format("is '{}'", experts), "fp4 and fp8 are understood");
  }
}

}  // namespace fivefold
