// `fivefold article`: the article that the program began with, statement by statement.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "fivefold/report/article_page.h"
#include "fivefold/report/article_text.h"

namespace fivefold::app {
namespace {

struct Options {
  ArticleOptions article;
  std::string language = "en";
  std::string html;
  Language shown() const { return language == "ar" ? Language::kArabic : Language::kEnglish; }
};

// What makes the page again.
std::string command_of(const Options& options) {
  std::string command = "fivefold article";
  if (!options.article.only.empty()) {
    command += fmt::format(" --items {}", fmt::join(options.article.only, ","));
  }
  const ArticleOptions defaults;
  if (options.article.samples != defaults.samples) {
    command += fmt::format(" --samples {}", options.article.samples);
  }
  if (options.article.seed != defaults.seed) {
    command += fmt::format(" --seed {}", options.article.seed);
  }
  return command + fmt::format(" --lang {} --html FILE", options.language);
}

void run(const Options& options, Context& context) {
  const auto catalog = context.load();
  if (!catalog) return context.refuse(catalog.error());
  const auto article = read_article(*catalog);
  if (!article) return context.refuse(article.error());
  const auto findings = examine(*catalog, *article, options.article, progress_bar());
  if (!findings) return context.refuse(findings.error());
  const auto view = view_article(*article, *findings);
  if (!view) return context.refuse(view.error());
  const SourceOf source_of = [&](std::string_view id) { return catalog->source(id); };
  if (!options.html.empty()) {
    const auto written =
        write_file(options.html, to_html(*view, source_of, options.shown(), command_of(options)));
    if (!written) return context.refuse(written.error());
  }
  if (context.json) return print(to_json(*view, source_of));
  if (context.csv) return print(to_csv(*view, options.shown()));
  if (options.html.empty()) return print(to_text(*view, options.shown()));
  print(fmt::format("{}\n{}: {}\n", counts_text(*view, options.shown()),
                    word(*article, "page.written", options.shown()), options.html));
}

}  // namespace

void add_article_command(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "article",
      "The article of September 2025 that the program began with, statement by statement: what "
      "can be computed is.\n\nFor example:\n"
      "  fivefold article --items S24,S25\n"
      "  fivefold article --lang ar --html article.html\n");
  command->add_option("--items", options->article.only, "Only these, such as S24,S25")
      ->delimiter(',')
      ->type_name("ID");
  command
      ->add_option("--samples", options->article.samples,
                   "Futures of supply and of uncertain facts that are drawn")
      ->check(CLI::Range(10, 1000000))
      ->capture_default_str();
  command->add_option("--seed", options->article.seed, "Of what is drawn")->capture_default_str();
  command
      ->add_option("--lang", options->language,
                   "Language of the text, and which of the two a page shows first")
      ->check(CLI::IsMember({"en", "ar"}))
      ->capture_default_str();
  command->add_option("--html", options->html, "Write a page with both languages")
      ->type_name("FILE");
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace fivefold::app
