// Whether a page that the program writes is well formed.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace fivefold {

// What is wrong with the nesting of tags, attribute quotes, ids and links of a page; empty if
// nothing. Knows as much of HTML as the page uses: no comments, no scripts.
class PageCheck {
 public:
  explicit PageCheck(std::string_view page) : rest_(page) { run(); }
  std::string problem() const { return problem_; }
  int links_within() const { return static_cast<int>(wanted_.size()); }

 private:
  void run() {
    while (problem_.empty()) {
      const std::size_t open = rest_.find('<');
      if (open == std::string_view::npos) break;
      const std::size_t close = rest_.find('>', open);
      if (close == std::string_view::npos) return complain("a tag does not end");
      take(rest_.substr(open + 1, close - open - 1));
      rest_.remove_prefix(close + 1);
      if (!stack_.empty() && stack_.back() == "style") skip_style();
    }
    if (problem_.empty() && !stack_.empty()) complain("never closed: " + stack_.back());
    for (const std::string& id : wanted_) {
      if (problem_.empty() && !ids_.contains(id)) complain("no target for #" + id);
    }
  }

  void skip_style() { rest_.remove_prefix(rest_.find("</style")); }

  void take(std::string_view tag) {
    if (tag.starts_with("!")) return;
    if (tag.starts_with("/")) {
      if (stack_.empty() || stack_.back() != tag.substr(1))
        return complain("closed out of turn: " + std::string(tag));
      return stack_.pop_back();
    }
    const std::string name(tag.substr(0, tag.find_first_of(" /")));
    attributes(tag);
    static const std::set<std::string> kVoid = {"meta", "br", "hr", "img", "link"};
    if (!tag.ends_with("/") && !kVoid.contains(name)) stack_.push_back(name);
  }

  void attributes(std::string_view tag) {
    std::size_t at = 0;
    while ((at = tag.find("=\"", at)) != std::string_view::npos) {
      const std::size_t end = tag.find('"', at + 2);
      if (end == std::string_view::npos)
        return complain("an attribute does not end: " + std::string(tag));
      const std::string value(tag.substr(at + 2, end - at - 2));
      if (value.find('<') != std::string::npos) complain("an unescaped < in " + std::string(tag));
      const std::string_view before = tag.substr(0, at);
      if (before.ends_with(" id") && !ids_.insert(value).second) complain("twice the id " + value);
      if (before.ends_with(" href") && value.starts_with("#")) wanted_.insert(value.substr(1));
      at = end + 1;
    }
  }

  void complain(std::string what) {
    if (problem_.empty()) problem_ = std::move(what);
  }

  std::string_view rest_;
  std::vector<std::string> stack_;
  std::set<std::string> ids_, wanted_;
  std::string problem_;
};

}  // namespace fivefold
