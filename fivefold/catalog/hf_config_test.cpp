#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fivefold/base/error.h"
#include "fivefold/catalog/model.h"

namespace fivefold {
namespace {

using ::testing::HasSubstr;

const std::string kModels = std::string(FIVEFOLD_SHARED_DIR) + "/data/models/";

std::vector<std::string> csv_fields(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  return fields;
}

// Rows of the manifest by file, each a map of its columns.
std::map<std::string, std::map<std::string, std::string>> manifest() {
  std::map<std::string, std::map<std::string, std::string>> rows;
  std::ifstream in(kModels + "manifest.csv");
  std::string line;
  std::getline(in, line);
  const std::vector<std::string> header = csv_fields(line);
  while (std::getline(in, line)) {
    const std::vector<std::string> fields = csv_fields(line);
    auto& row = rows[fields[0]];
    for (std::size_t i = 0; i < fields.size() && i < header.size(); ++i) row[header[i]] = fields[i];
  }
  return rows;
}

struct Published {
  const char* file;
  double tolerance = 0.01;  // of the published total, which may be a round number
};

class PublishedModel : public ::testing::TestWithParam<Published> {};

TEST_P(PublishedModel, counts_as_published) {
  const std::string path = kModels + GetParam().file;
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  auto model = read_hf_config(path);
  ASSERT_TRUE(model) << to_text(model.error());
  const ParameterCount count = count_parameters(*model);
  auto row = manifest()[GetParam().file];
  const double published = std::stod(row["total_published_B"]) * 1e9;
  EXPECT_NEAR(count.total / published, 1, GetParam().tolerance);
  // Counted independently from the same file.
  const auto agrees = [&](double ours, const std::string& column) {
    const double theirs = std::stod(row[column]) * 1e9;
    EXPECT_NEAR(ours, theirs, 0.001 * theirs + 0.5e6) << column;
  };
  agrees(count.total, "total_computed_B");
  agrees(count.active, "active_computed_B");
  agrees(count.active_core, "active_computed_without_embedding_and_head_B");
}

INSTANTIATE_TEST_SUITE_P(
    Files, PublishedModel,
    ::testing::Values(
        Published{"MiniMaxAI__MiniMax-M2.5.json"}, Published{"Qwen__Qwen2.5-72B.json"},
        Published{"Qwen__Qwen2.5-7B.json"}, Published{"Qwen__Qwen2.5-VL-7B-Instruct.json"},
        Published{"Qwen__Qwen3-235B-A22B.json"}, Published{"Qwen__Qwen3-30B-A3B.json"},
        Published{"Qwen__Qwen3-32B.json"}, Published{"Qwen__Qwen3-8B.json"},
        Published{"Qwen__Qwen3-Coder-480B-A35B-Instruct.json"},
        Published{"Qwen__Qwen3.5-35B-A3B.json"}, Published{"deepseek-ai__DeepSeek-R1.json"},
        Published{"deepseek-ai__DeepSeek-V2-Lite.json"},
        Published{"deepseek-ai__DeepSeek-V3.1.json"}, Published{"deepseek-ai__DeepSeek-V3.json"},
        Published{"deepseek-ai__DeepSeek-V4-Pro.json", 0.02},  // "1.6T"
        Published{"facebook__dinov2-large.derived.json"},
        Published{"facebook__sam-vit-huge.derived.json"},
        Published{"huawei__Pangu-Pro-MoE-72B-A16B.derived.json"},
        Published{"meta-llama__Llama-2-70b-hf.json"}, Published{"meta-llama__Llama-2-7b-hf.json"},
        Published{"meta-llama__Meta-Llama-3.1-405B.json"},
        Published{"meta-llama__Meta-Llama-3.1-70B.json"},
        Published{"meta-llama__Meta-Llama-3.1-8B.json"},
        Published{"mistralai__Mistral-7B-v0.1.json"},
        Published{"mistralai__Mixtral-8x22B-v0.1.json"},
        Published{"mistralai__Mixtral-8x7B-v0.1.json"},
        Published{"moonshotai__Kimi-K2-Instruct.json", 0.03},  // "1T"
        Published{"nvidia__Nemotron-H-56B-Base-8K.json"},
        Published{"openai__clip-vit-large-patch14.json"}, Published{"openai__gpt-oss-20b.json"},
        Published{"openai__gpt3-175b.derived.json"}, Published{"zai-org__GLM-4.5-Air.json"},
        Published{"zai-org__GLM-4.7-FP8.json"}, Published{"zai-org__GLM-5.json"}),
    [](const auto& info) {
      std::string name = info.param.file;
      for (char& c : name) {
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
      }
      return name;
    });

// MTP layers are in the checkpoint and not in the published total (data/README.md; DeepSeek-V3's
// README: 671B, and 14B of MTP with its copies of embedding and head, 2 x 0.93B, in between).
TEST(HfConfig, multi_token_prediction_stands_beside_the_total) {
  const std::string path = kModels + "deepseek-ai__DeepSeek-V3.json";
  if (!std::filesystem::exists(path)) GTEST_SKIP();
  const ParameterCount count = count_parameters(*read_hf_config(path));
  EXPECT_NEAR(count.mtp, 11.61e9, 0.01e9);
}

Result<Model> parse(const std::string& text) {
  return parse_hf_config(text, "some/config.json");
}

// Shapes of models whose totals are published (billions), each of a family that has no file among
// the others. Shapes from their publishers' configurations.
struct Known {
  const char* name;
  double billions;
  const char* config;
};
class KnownTotal : public ::testing::TestWithParam<Known> {};

TEST_P(KnownTotal, is_met_within_one_percent) {
  const auto model = parse(GetParam().config);
  ASSERT_TRUE(model) << to_text(model.error());
  EXPECT_NEAR(count_parameters(*model).total / 1e9, GetParam().billions,
              0.01 * GetParam().billions);
}

INSTANTIATE_TEST_SUITE_P(
    Families, KnownTotal,
    ::testing::Values(
        Known{"gpt2", 0.1244, R"({"model_type": "gpt2", "n_layer": 12, "n_embd": 768, "n_head": 12,
            "n_positions": 1024, "n_ctx": 1024, "vocab_size": 50257})"},
        Known{
            "opt_6_7b", 6.658,
            R"({"model_type": "opt", "hidden_size": 4096, "num_hidden_layers": 32, "ffn_dim": 16384,
            "num_attention_heads": 32, "max_position_embeddings": 2048, "vocab_size": 50272, "word_embed_proj_dim": 4096})"},
        Known{"pythia_6_9b", 6.857,
              R"({"model_type": "gpt_neox", "hidden_size": 4096, "num_hidden_layers": 32,
            "num_attention_heads": 32, "intermediate_size": 16384, "vocab_size": 50432,
            "max_position_embeddings": 2048, "tie_word_embeddings": false})"},
        Known{"phi3_mini", 3.821,
              R"({"model_type": "phi3", "hidden_size": 3072, "num_hidden_layers": 32,
            "num_attention_heads": 32, "num_key_value_heads": 32, "intermediate_size": 8192, "vocab_size": 32064,
            "sliding_window": 2047, "tie_word_embeddings": false})"},
        Known{"gemma2_9b", 9.242,
              R"({"model_type": "gemma2", "hidden_size": 3584, "num_hidden_layers": 42,
            "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 256, "intermediate_size": 14336,
            "vocab_size": 256000, "sliding_window": 4096})"},
        Known{"gemma3_27b", 27.43,
              R"({"model_type": "gemma3", "text_config": {"model_type": "gemma3_text",
            "hidden_size": 5376, "num_hidden_layers": 62, "num_attention_heads": 32, "num_key_value_heads": 16,
            "head_dim": 128, "intermediate_size": 21504, "vocab_size": 262208, "sliding_window": 1024},
            "vision_config": {"hidden_size": 1152, "num_hidden_layers": 27, "num_attention_heads": 16,
            "intermediate_size": 4304, "image_size": 896, "patch_size": 14, "vision_use_head": false},
            "mm_tokens_per_image": 256})"},
        Known{"qwen1_5_moe", 14.32,
              R"({"model_type": "qwen2_moe", "hidden_size": 2048, "num_hidden_layers": 24,
            "num_attention_heads": 16, "num_key_value_heads": 16, "intermediate_size": 5632,
            "moe_intermediate_size": 1408, "shared_expert_intermediate_size": 5632, "num_experts": 60,
            "num_experts_per_tok": 4, "decoder_sparse_step": 1, "vocab_size": 151936, "tie_word_embeddings": false})"},
        Known{"qwen3_next", 79.67,
              R"({"model_type": "qwen3_next", "hidden_size": 2048, "num_hidden_layers": 48,
            "num_attention_heads": 16, "num_key_value_heads": 2, "head_dim": 256, "intermediate_size": 5120,
            "moe_intermediate_size": 512, "shared_expert_intermediate_size": 512, "num_experts": 512,
            "num_experts_per_tok": 10, "full_attention_interval": 4, "linear_num_key_heads": 16,
            "linear_num_value_heads": 32, "linear_key_head_dim": 128, "linear_value_head_dim": 128,
            "linear_conv_kernel_dim": 4, "decoder_sparse_step": 1, "mlp_only_layers": [], "vocab_size": 151936})"},
        Known{"seed_oss", 36.15,
              R"({"model_type": "seed_oss", "hidden_size": 5120, "num_hidden_layers": 64,
            "num_attention_heads": 80, "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 27648,
            "vocab_size": 155136, "attention_bias": true, "attention_out_bias": false, "mlp_bias": false})"},
        Known{"hunyuan_a13b", 80.39,
              R"({"model_type": "hunyuan_v1_moe", "hidden_size": 4096, "num_hidden_layers": 32,
            "num_attention_heads": 32, "num_key_value_heads": 8, "attention_head_dim": 128, "intermediate_size": 3072,
            "moe_intermediate_size": [3072, 3072], "num_experts": 64, "moe_topk": [8, 8], "num_shared_expert": [1, 1],
            "use_qk_norm": true, "vocab_size": 128167, "tie_word_embeddings": true})"},
        Known{"ernie_4_5_300b", 300.5,
              R"({"model_type": "ernie4_5_moe", "hidden_size": 8192, "num_hidden_layers": 54,
            "num_attention_heads": 64, "num_key_value_heads": 8, "intermediate_size": 28672,
            "moe_num_experts": 64, "moe_k": 8, "moe_intermediate_size": 3584, "moe_layer_start_index": 3,
            "moe_layer_end_index": -1, "moe_num_shared_experts": 0, "use_bias": false, "vocab_size": 103424,
            "tie_word_embeddings": false})"},
        Known{"llama4_scout", 108.64,
              R"({"model_type": "llama4", "text_config": {"model_type": "llama4_text",
            "hidden_size": 5120, "num_hidden_layers": 48, "num_attention_heads": 40, "num_key_value_heads": 8,
            "head_dim": 128, "intermediate_size": 8192, "intermediate_size_mlp": 16384, "num_local_experts": 16,
            "num_experts_per_tok": 1, "interleave_moe_layer_step": 1, "attention_chunk_size": 8192,
            "vocab_size": 202048, "tie_word_embeddings": false},
            "vision_config": {"hidden_size": 1408, "num_hidden_layers": 34, "num_attention_heads": 16,
            "intermediate_size": 5632, "image_size": 336, "patch_size": 14, "projector_input_dim": 4096,
            "projector_output_dim": 4096, "vision_output_dim": 4096, "pixel_shuffle_ratio": 0.5}})"},
        Known{"vit_large", 0.3033,
              R"({"model_type": "vit", "hidden_size": 1024, "num_hidden_layers": 24,
            "num_attention_heads": 16, "intermediate_size": 4096, "image_size": 224, "patch_size": 16})"}),
    [](const auto& info) { return std::string(info.param.name); });

const std::string kLlama =
    "{\n"
    "  \"model_type\": \"llama\",\n"
    "  \"hidden_size\": 64,\n"
    "  \"num_hidden_layers\": 2,\n"
    "  \"num_attention_heads\": 4,\n"
    "  \"num_key_value_heads\": 2,\n"
    "  \"intermediate_size\": 128,\n"
    "  \"vocab_size\": 1000\n"
    "}\n";

std::string with(const std::string& from, const std::string& to) {
  std::string text = kLlama;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string message(const std::string& text) {
  const auto model = parse(text);
  return model ? "accepted" : to_text(model.error());
}

TEST(HfConfig, a_small_llama_counts_by_hand) {
  const auto model = parse(kLlama);
  ASSERT_TRUE(model);
  const double attention = 64 * 64 * 2 + 64 * 32 * 2, ffn = 3 * 64 * 128, norms = 2 * 64;
  EXPECT_DOUBLE_EQ(count_parameters(*model).total, 2 * (attention + ffn + norms) + 2 * 64000 + 64);
}

TEST(HfConfig, what_is_not_understood_is_refused_by_name_and_line) {
  EXPECT_THAT(message(with("\"llama\"", "\"lama\"")),
              HasSubstr("some/config.json:2:3: 'model_type' is 'lama'"));
  EXPECT_THAT(message(with("\"llama\"", "\"lama\"")), HasSubstr("did you mean llama"));
  EXPECT_THAT(message(with("\"hidden_size\": 64", "\"hidden\": 64")),
              HasSubstr("'hidden_size' is missing"));
  EXPECT_THAT(message(with("64", "-64")), HasSubstr("some/config.json:3:3: 'hidden_size' is -64"));
  EXPECT_THAT(message(with("64", "64.5")), HasSubstr("expected a whole number"));
  EXPECT_THAT(message(with("64", "\"64\"")), HasSubstr("'hidden_size' is a text"));
  EXPECT_THAT(message(with("64", "1e300")), HasSubstr("'hidden_size'"));
  EXPECT_THAT(message(with("64", "0")), HasSubstr("must be positive"));
  EXPECT_THAT(message(with("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3")),
              HasSubstr("does not divide"));
  EXPECT_THAT(message(with("\"vocab_size\"", "\"num_dream_heads\": 3,\n  \"vocab_size\"")),
              HasSubstr("some/config.json:8:3: 'num_dream_heads' is not understood"));
  EXPECT_THAT(message(with("\"vocab_size\"", "\"n_routed_experts\": 8, \"vocab_size\"")),
              HasSubstr("n_routed_experts"));
  EXPECT_THAT(
      message(with("\"vocab_size\"",
                   "\"quantization_config\": {\"quant_method\": \"dream\"}, \"vocab_size\"")),
      HasSubstr("quantization_config.quant_method"));
}

TEST(HfConfig, every_problem_of_a_file_shows_at_once) {
  const auto model = parse(
      R"({"model_type": "llama", "hidden_size": 0, "num_attention_heads": "x", "vocab_size": 5})");
  ASSERT_FALSE(model);
  EXPECT_GE(model.error().problems.size(), 4u);
}

TEST(HfConfig, the_class_that_loads_the_weights_names_a_family_too) {
  const auto model =
      parse(with("\"model_type\": \"llama\"", "\"architectures\": [\"LlamaForCausalLM\"]"));
  ASSERT_TRUE(model) << to_text(model.error());
  EXPECT_EQ(model->family, "llama");
  EXPECT_THAT(
      message(with("\"model_type\": \"llama\"", "\"architectures\": [\"DreamForCausalLM\"]")),
      HasSubstr("'DreamForCausalLM': this architecture is not known"));
}

TEST(HfConfig, fields_that_change_nothing_pass) {
  EXPECT_TRUE(
      parse(with("\"vocab_size\"", R"("torch_dtype": "bfloat16", "rope_theta": 1e6, "num_labels": 3,
      "rope_scaling": {"factor": 8.0}, "num_nothing_heads": null, "num_off_experts": 0, "vocab_size")")));
}

TEST(HfConfig, broken_json_names_line_and_column) {
  EXPECT_THAT(message(with("\"num_hidden_layers\": 2,", "\"num_hidden_layers\": 2;")),
              HasSubstr("some/config.json:4:25: this is not JSON from here on"));
  EXPECT_THAT(message(""), HasSubstr("empty"));
  EXPECT_THAT(message("[1]"), HasSubstr("expected an object"));
  EXPECT_THAT(message("{}"), HasSubstr("model_type"));
}

TEST(HfConfig, a_truncated_file_says_so) {
  for (std::size_t length : {2, 20, 60, 100, 150}) {
    EXPECT_THAT(message(kLlama.substr(0, length)), HasSubstr("ends in the middle")) << length;
  }
}

TEST(HfConfig, bare_infinity_is_tolerated_but_not_as_a_size) {
  EXPECT_TRUE(
      parse(with("\"vocab_size\"", "\"limits\": [0.0, Infinity, -Infinity, NaN], \"vocab_size\"")));
  EXPECT_THAT(message(with("\"hidden_size\": 64", "\"hidden_size\": Infinity")),
              HasSubstr("'hidden_size'"));
  // Inside a text it is a word like another.
  const auto named =
      parse(with("\"vocab_size\"", R"("_name": "to \"Infinity\" and NaN", "vocab_size")"));
  EXPECT_TRUE(named) << to_text(named.error());
}

TEST(HfConfig, formats_follow_the_quantisation) {
  const auto formats = [](const std::string& quantization) {
    const auto model = parse(
        with("\"vocab_size\"", "\"quantization_config\": " + quantization + ", \"vocab_size\""));
    EXPECT_TRUE(model) << to_text(model.error());
    return std::pair(model->native, model->native_experts);
  };
  EXPECT_EQ(formats(R"({"quant_method": "fp8", "weight_block_size": [128, 128]})"),
            std::pair(Format::kFp8Block, Format::kFp8Block));
  EXPECT_EQ(
      formats(
          R"({"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn"]})"),
      std::pair(Format::kBf16, Format::kMxFp4));
  EXPECT_EQ(formats(R"({"quant_method": "awq", "bits": 4})"),
            std::pair(Format::kInt4, Format::kInt4));
  EXPECT_EQ(formats(R"({"quant_method": "modelopt", "quant_algo": "NVFP4"})"),
            std::pair(Format::kNvFp4, Format::kNvFp4));
}

TEST(HfConfig, a_missing_file_and_a_folder_are_told_apart) {
  EXPECT_THAT(to_text(read_hf_config("/nowhere/config.json").error()), HasSubstr("cannot read"));
  EXPECT_THAT(to_text(read_hf_config(FIVEFOLD_SOURCE_DIR).error()), HasSubstr("is a folder"));
}

// The same generator everywhere (Steele et al., SplitMix64), so that a failure repeats.
struct Random {
  std::uint64_t state;
  std::uint64_t next() {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : next() % bound; }
};

std::string mutated(std::string text, Random& random) {
  static const std::vector<std::string> kValues = {
      "0",    "-1", "1",  "1e9", "99999999", "1e308", "null", "true",
      "\"\"", "[]", "{}", "2.5", "Infinity", "NaN",   "[1]",  "\"M*-E\""};
  for (std::size_t edits = 1 + random.below(3); edits > 0 && !text.empty(); --edits) {
    const std::size_t at = random.below(text.size());
    switch (random.below(5)) {
      case 0:
        text[at] = static_cast<char>(random.next());
        break;
      case 1:
        text.erase(at, random.below(20));
        break;
      case 2:
        text.resize(at);
        break;
      case 3:
        text.insert(at, text.substr(random.below(text.size()), random.below(60)));
        break;
      default: {  // another value after the next colon
        const std::size_t colon = text.find(':', at);
        if (colon == std::string::npos) break;
        const std::size_t end = text.find_first_of(",}\n", colon);
        if (end != std::string::npos)
          text.replace(colon + 1, end - colon - 1, kValues[random.below(kValues.size())]);
      }
    }
  }
  return text;
}

TEST(HfConfig, mutations_give_a_finite_model_or_a_problem_and_never_a_crash) {
  std::vector<std::string> seeds = {kLlama};
  if (std::filesystem::is_directory(kModels)) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(kModels)) {
      if (entry.path().extension() == ".json") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
      std::ifstream in(file);
      std::ostringstream text;
      text << in.rdbuf();
      seeds.push_back(text.str());
    }
  }
  Random random{2024};
  int accepted = 0;
  for (int i = 0; i < 12000; ++i) {
    const std::string text = mutated(seeds[i % seeds.size()], random);
    const auto model = parse(text);
    if (!model) {
      ASSERT_FALSE(model.error().problems.empty());
      ASSERT_FALSE(to_text(model.error()).empty());
      continue;
    }
    ++accepted;
    const ParameterCount count = count_parameters(*model);
    for (double part : {count.total, count.active})
      ASSERT_TRUE(std::isfinite(part) && part > 0) << text;
    for (double part :
         {count.active_core, count.experts, count.attention, count.mtp, count.towers}) {
      ASSERT_TRUE(std::isfinite(part) && part >= 0) << text;
    }
  }
  EXPECT_GT(accepted, 100);  // the mutations are not all nonsense
}

}  // namespace
}  // namespace fivefold
