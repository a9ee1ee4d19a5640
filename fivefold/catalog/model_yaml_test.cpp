#include "fivefold/catalog/model_yaml.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fivefold {
namespace {

using ::testing::HasSubstr;

std::vector<Model> read_shipped() {
  std::vector<Model> models;
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(FIVEFOLD_SOURCE_DIR) + "/catalog/models")) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const auto& path : files) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    const auto read = read_models(path.string(), text.str());
    EXPECT_TRUE(read) << to_text(read.error());
    if (read) models.insert(models.end(), read->begin(), read->end());
  }
  return models;
}

TEST(ModelYaml, shipped_models_count_as_published) {
  for (const Model& model : read_shipped()) {
    if (model.published_total == 0) {  // sizes are published, a count is not
      const bool known = model.family == "maxtext" || model.id == "nvidia/NVIDIA-Nemotron-3-Ultra";
      EXPECT_TRUE(known) << model.id;
      continue;
    }
    const bool round =
        model.id == "moonshotai/Kimi-K2-Instruct" || model.id == "deepseek-ai/DeepSeek-V4-Pro";
    const double ratio = count_parameters(model).total / model.published_total;
    EXPECT_NEAR(ratio, 1, round ? 0.03 : 0.01) << model.id;
  }
}

// The short form and the publisher's own file are two descriptions of one model.
TEST(ModelYaml, shipped_models_equal_the_published_configurations) {
  const std::string folder = std::string(FIVEFOLD_SHARED_DIR) + "/data/models/";
  int compared = 0;
  for (const Model& model : read_shipped()) {
    std::vector<std::string> names = model.aliases;
    names.push_back(model.id);
    for (const std::string& name : names) {
      std::string stem = name;
      if (const std::size_t slash = stem.find('/'); slash != std::string::npos)
        stem.replace(slash, 1, "__");
      for (const char* ending : {".json", ".derived.json"}) {
        if (!std::filesystem::exists(folder + stem + ending)) continue;
        const auto imported = read_hf_config(folder + stem + ending);
        ASSERT_TRUE(imported) << to_text(imported.error());
        ++compared;
        const ParameterCount ours = count_parameters(model), theirs = count_parameters(*imported);
        // GLM-4.7's trimmed file does not say that it has QK norms: 24 thousand values.
        EXPECT_NEAR(ours.total, theirs.total, 1e-6 * theirs.total) << name;
        EXPECT_NEAR(ours.active, theirs.active, 1e-6 * theirs.active) << name;
        EXPECT_EQ(model.layer_count(), imported->layer_count()) << name;
        // The trimmed file and the model that it stands for differ in MTP; a derived file has none.
        if (!imported->mtp.empty()) {
          EXPECT_DOUBLE_EQ(ours.mtp, theirs.mtp) << name;
        }
        EXPECT_EQ(model.family, imported->family) << name;
      }
    }
  }
  if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << folder << " is not there";
  EXPECT_GE(compared, 28);
}

TEST(ModelYaml, names_are_unique_without_case_and_separators) {
  std::set<std::string> seen;
  const auto folded = [](std::string text) {
    for (char& c : text) {
      c = c == '_' || c == ' ' || c == '.'
              ? '-'
              : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return text;
  };
  for (const Model& model : read_shipped()) {
    std::set<std::string> own = {folded(model.id)};
    for (const std::string& alias : model.aliases) own.insert(folded(alias));
    for (const std::string& name : own)
      EXPECT_TRUE(seen.insert(name).second) << name << " is used twice";
  }
}

const std::string kSmall =
    "models:\n"
    "  - id: a/b\n"
    "    family: llama\n"
    "    source: [S]\n"
    "    hidden: 64\n"
    "    vocabulary: 1000\n"
    "    parts:\n"
    "      gqa: {kind: gqa, heads: 4, kv_heads: 2, head_dim: 16}\n"
    "      dense: {kind: ffn, width: 128}\n"
    "    layers: [[2, gqa, dense]]\n";

std::string message(const std::string& from, const std::string& to) {
  std::string text = kSmall;
  text.replace(text.find(from), from.size(), to);
  const auto models = read_models("m.yaml", text);
  return models ? "accepted" : to_text(models.error());
}

TEST(ModelYaml, a_small_model_counts_by_hand) {
  const auto models = read_models("m.yaml", kSmall);
  ASSERT_TRUE(models) << to_text(models.error());
  ASSERT_EQ(models->size(), 1u);
  const double layer = 64 * 64 * 2 + 64 * 32 * 2 + 3 * 64 * 128 + 2 * 64;
  EXPECT_DOUBLE_EQ(count_parameters(models->front()).total, 2 * layer + 2 * 64000 + 64);
}

TEST(ModelYaml, errors_name_line_and_column_and_the_nearest_word) {
  EXPECT_THAT(message("hidden: 64", "hiden: 64"),
              HasSubstr("m.yaml:5:5: 'hiden' is not a field of a model"));
  EXPECT_THAT(message("hidden: 64", "hiden: 64"), HasSubstr("did you mean hidden"));
  EXPECT_THAT(message("hidden: 64", "hidden: -64"),
              HasSubstr("m.yaml:5:13: 'hidden' must be a number from 0"));
  EXPECT_THAT(message("kind: ffn", "kind: fnf"), HasSubstr("'fnf' is not a kind of part"));
  EXPECT_THAT(message("gqa, dense]]", "gqa, dens]]"),
              HasSubstr("'dens' is not one of the parts (did you mean dense?)"));
  EXPECT_THAT(message("[2, gqa", "[0, gqa"), HasSubstr("expected a count of layers"));
  EXPECT_THAT(message("kv_heads: 2", "kv_heads: 3"), HasSubstr("must divide"));
  EXPECT_THAT(message("    source: [S]\n", ""), HasSubstr("'source' is missing"));
  EXPECT_THAT(message("models:", "models: 3 #"), HasSubstr("m.yaml"));
}

TEST(ModelYaml, a_file_without_models_holds_none) {
  const auto models = read_models("m.yaml", "sources: {}\n");
  ASSERT_TRUE(models);
  EXPECT_TRUE(models->empty());
}

}  // namespace
}  // namespace fivefold
