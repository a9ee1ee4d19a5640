// `fivefold model list | show`: what a model is made of and asks for, before any machine is chosen.
#include <algorithm>
#include <array>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "fivefold/base/text.h"
#include "fivefold/report/table.h"
#include "fivefold/workload/layer.h"

namespace fivefold::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kContexts = {1024, 4096, 16384, 65536, 131072};
constexpr std::array kWeightFormats = {Format::kBf16, Format::kFp8Block, Format::kInt8,
                                       Format::kInt4, Format::kMxFp4};

Precision stored_in(Format dense, Format experts) {
  return {.gemm_b = dense, .expert_b = experts};
}
Precision cached_in(Format cache) {
  return {.cache = cache};
}

TableCell parameters(double count) {
  if (count >= 1e9) return {count, format_number(count / 1e9, 4) + " B"};
  return {count, count >= 1e6 ? format_number(count / 1e6) + " M" : format_count(count)};
}

template <Dim D>
TableCell cell(Quantity<D> quantity) {
  return {quantity.value(), format_quantity(quantity)};
}

// Operations per token: of a prompt of so many tokens, of the token behind it, of training on it.
struct TokenOps {
  int context = 0;
  Ops prefill, decode, train;
};

Ops sum(const OpList& ops) {
  Ops total{0};
  for (const Op& op : ops) total += op.repeat * work(op.shape).ops;
  return total;
}

Ops batch_ops(const Model& model, const Batch& batch) {
  Ops total = sum(head_ops(model, {}, batch, {}));
  for (const LayerGroup& layer : model.layers) {
    total += layer.count * sum(layer_ops(model, layer, {}, batch, {}));
  }
  return total;
}

TokenOps token_ops(const Model& model, int context) {
  const Batch prompt{.sequences = 1, .q_len = double(context)};
  const Batch next{.sequences = 1, .q_len = 1, .context = double(context), .decode = true};
  // Backward is twice forward; a token of a sequence attends to half of it on average.
  return {context, batch_ops(model, prompt) / context, batch_ops(model, next),
          3 * forward_ops_per_token(model, (context + 1) / 2.0)};
}

std::vector<TokenOps> all_token_ops(const Model& model) {
  std::vector<TokenOps> list;
  for (int context : kContexts) {
    if (model.max_context == 0 || context <= model.max_context)
      list.push_back(token_ops(model, context));
  }
  return list;
}

Ops image_ops(const Model& model) {
  const double tokens = model.image_tokens > 0 ? model.image_tokens : 1;
  return tokens * forward_ops_per_token(model, tokens);
}

std::string difference(double computed, double published) {
  return fmt::format("published {}, computed {:+.2f}%", parameters(published).text,
                     100 * (computed / published - 1));
}

double group_parameters(const Model& model, const LayerGroup& layer) {
  return attention_parameters(model, layer.attention) + ffn_parameters(model, layer.ffn) +
         norm_parameters(model, layer) + stream_parameters(model, layer) + layer.extra_parameters;
}

struct Part {
  const char* name;
  const char* key;
  double count;
};

std::vector<Part> parts_of(const ParameterCount& count) {
  return {{"attention", "attention", count.attention},
          {"dense FFN", "dense_ffn", count.dense_ffn},
          {"routed experts", "experts", count.experts},
          {"shared experts", "shared_experts", count.shared_experts},
          {"routers", "router", count.router},
          {"norms", "norms", count.norms},
          {"embedding", "embedding", count.embedding},
          {"head", "head", count.head},
          {"towers", "towers", count.towers},
          {"other", "other", count.other}};
}

void add_parameters(Table& table, const Model& model) {
  const ParameterCount count = count_parameters(model);
  const auto published = [](double computed, double claim) {
    return claim > 0 ? difference(computed, claim) : std::string();
  };
  table.add({"total", parameters(count.total), published(count.total, model.published_total)},
            "Parameters");
  table.add({"active per token", parameters(count.active),
             published(count.active, model.published_active)},
            "Parameters");
  table.add({"active without embedding and head", parameters(count.active_core)}, "Parameters");
  for (const Part& part : parts_of(count)) {
    if (part.count > 0)
      table.add({part.name, parameters(part.count), format_percent(part.count / count.total)},
                "Parameters");
  }
  if (count.mtp > 0)
    table.add({"multi-token prediction", parameters(count.mtp), "beside the total"}, "Parameters");
  for (const LayerGroup& layer : model.layers) {
    table.add({fmt::format("{} x {}", layer.count, layer.name),
               parameters(group_parameters(model, layer)), "each layer"},
              "Layers");
  }
}

void add_memory(Table& table, const Model& model) {
  const bool one_format = model.native == model.native_experts;
  const std::string native =
      one_format ? fmt::format("{}", name(model.native))
                 : fmt::format("{}, experts {}", name(model.native), name(model.native_experts));
  table.add({"as published: " + native,
             cell(total_weights(model, stored_in(model.native, model.native_experts)))},
            "Weights (bytes)");
  if (model.layers.empty()) return;  // known by published figures alone
  for (Format format : kWeightFormats) {
    table.add({std::string(name(format)), cell(total_weights(model, stored_in(format, format)))},
              "Weights (bytes)");
  }
  if (!model.lm_head) return;
  for (Format format : {Format::kBf16, Format::kFp8}) {
    const Precision precision = cached_in(format);
    table.add(
        {fmt::format("per token, {}", name(format)), cell(total_cache_per_token(model, precision)),
         format_count(total_cache_per_token(model, precision).value()) + " B"},
        "Cache (bytes)");
    table.add({fmt::format("per sequence, {}", name(format)),
               cell(total_cache_per_sequence(model, precision)),
               "windows and states, whatever the length"},
              "Cache (bytes)");
  }
}

Table describe(const Model& model) {
  Table table;
  table.title = fmt::format("{} ({}), {}", model.name, model.id, model.family);
  table.columns = {{"quantity"}, {"value", Align::kRight}, {"note"}};
  add_parameters(table, model);
  add_memory(table, model);
  if (!model.lm_head) {
    table.add(
        {"per image", cell(image_ops(model)),
         model.image_tokens > 0 ? fmt::format("{} tokens", model.image_tokens) : "as published"},
        "Operations");
  }
  for (const TokenOps& ops : model.lm_head ? all_token_ops(model) : std::vector<TokenOps>()) {
    const std::string length = format_count(ops.context);
    table.add({"prefill of " + length, cell(ops.prefill)}, "Operations per token");
    table.add({"decode behind " + length, cell(ops.decode)}, "Operations per token");
    table.add({"training on " + length, cell(ops.train), "forward and backward"},
              "Operations per token");
  }
  if (!model.sources.empty())
    table.notes.push_back(fmt::format("Sources: {}", fmt::join(model.sources, ", ")));
  if (model.origin != "catalog") table.notes.push_back("Read from " + model.origin);
  return table;
}

Json json_of(const Model& model) {
  const ParameterCount count = count_parameters(model);
  Json json = {{"id", model.id},
               {"name", model.name},
               {"family", model.family},
               {"origin", model.origin},
               {"sources", model.sources},
               {"hidden", model.hidden},
               {"vocabulary", model.vocabulary},
               {"layer_count", model.layer_count()}};
  json["parameters"] = {
      {"total", count.total}, {"active", count.active}, {"active_core", count.active_core}};
  for (const Part& part : parts_of(count)) json["parameters"][part.key] = part.count;
  json["parameters"]["mtp"] = count.mtp;
  const auto claim = [](double value) { return value > 0 ? Json(value) : Json(); };
  json["published"] = {{"total", claim(model.published_total)},
                       {"active", claim(model.published_active)}};
  json["layers"] = Json::array();
  for (const LayerGroup& layer : model.layers) {
    json["layers"].push_back({{"kind", layer.name},
                              {"count", layer.count},
                              {"parameters", group_parameters(model, layer)}});
  }
  json["native_format"] = name(model.native);
  json["native_expert_format"] = name(model.native_experts);
  Json& weights = json["weight_bytes"];
  weights["native"] = total_weights(model, stored_in(model.native, model.native_experts)).value();
  for (Format format : kWeightFormats)
    weights[std::string(name(format))] = total_weights(model, stored_in(format, format)).value();
  if (!model.lm_head) {
    json["ops_per_image"] = image_ops(model).value();
    return json;
  }
  for (Format format : {Format::kBf16, Format::kFp8}) {
    const std::string key(name(format));
    json["kv_bytes_per_token"][key] = total_cache_per_token(model, cached_in(format)).value();
    json["state_bytes_per_sequence"][key] =
        total_cache_per_sequence(model, cached_in(format)).value();
  }
  json["ops_per_token"] = Json::array();
  for (const TokenOps& ops : all_token_ops(model)) {
    json["ops_per_token"].push_back({{"context", ops.context},
                                     {"prefill", ops.prefill.value()},
                                     {"decode", ops.decode.value()},
                                     {"train", ops.train.value()}});
  }
  return json;
}

void run_show(const std::string& id, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  const auto model = catalog->model(id);
  if (!model) return context.refuse(model.error());
  if (context.json) return print(json_of(**model).dump(2) + "\n");
  const Table table = describe(**model);
  print(context.csv ? to_csv(table) : to_text(table));
}

void run_list(Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  Table table;
  table.title = "Models (any Hugging Face config.json is read as well)";
  table.columns = {{"id"},
                   {"total", Align::kRight, "parameters_total"},
                   {"active", Align::kRight, "parameters_active"},
                   {"layers", Align::kRight},
                   {"weights", Align::kLeft, "format"},
                   {"size", Align::kRight, "weight_bytes", "B"},
                   {"cache/token", Align::kRight, "cache_bytes_per_token", "B"}};
  for (const Model* model : catalog->models()) {
    const ParameterCount count = count_parameters(*model);
    table.add({model->id, parameters(count.total), parameters(count.active),
               count_cell(model->layer_count()), name(model->native_experts),
               cell(total_weights(*model, stored_in(model->native, model->native_experts))),
               cell(total_cache_per_token(*model, {}))});
  }
  print(context.json ? to_json(table) : context.csv ? to_csv(table) : to_text(table));
}

}  // namespace

void add_model_command(CLI::App& app, Context& context) {
  CLI::App* model = app.add_subcommand("model", "Parameters, memory and work of a model");
  model->require_subcommand(1);
  CLI::App* list = model->add_subcommand("list", "The models that the catalog holds");
  list->callback([&context] { run_list(context); });
  const auto id = std::make_shared<std::string>();
  CLI::App* show =
      model->add_subcommand("show", "One model: by id or alias, or a Hugging Face config.json");
  show->add_option("model", *id, "Id, alias or path of a config.json")->required();
  show->callback([id, &context] { run_show(*id, context); });
}

}  // namespace fivefold::app
