// Runs transcripts: text files of commands and what they print.
//
//   ## a remark
//   $ fivefold catalog show nope
//   fivefold: unknown chip 'nope' ...
//   [2]
//
// A line "$ ..." is a shell command, run in a fresh folder with `fivefold` on the path and the
// folder of the transcript as $TRANSCRIPTS. What follows, until the next "$" or a remark, is what
// it prints (standard output and error together), and "[n]" its exit code where it is not 0. In the
// expected text "..." stands for any text on the line, and a line that is only "..." for any number
// of lines.
//
//   transcript_test PROGRAM FILE...              exits with 1 if anything differs
//   transcript_test --rewrite PROGRAM FILE...    writes what is printed now; steps that fit stay as
//   they are
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace {

struct Step {
  std::vector<std::string> before;    // remarks and empty lines above the command
  std::string command;                // without "$ "; empty: only remarks, at the end of the file
  std::vector<std::string> expected;  // lines
  int code = 0;
};

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) line.pop_back();  // CSV ends its lines with CRLF
    lines.push_back(line);
  }
  return lines;
}

std::vector<std::string> read_lines(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return split_lines(text.str());
}

bool is_exit_code(const std::string& line) {
  return line.size() > 2 && line.front() == '[' && line.back() == ']' &&
         line.find_first_not_of("0123456789", 1) == line.size() - 1;
}

// Empty lines and remarks after a step's output belong to the next step.
void move_tail(Step& from, Step& to) {
  while (!from.expected.empty() && from.expected.back().empty()) {
    to.before.insert(to.before.begin(), "");
    from.expected.pop_back();
  }
}

std::vector<Step> parse(const std::vector<std::string>& lines) {
  std::vector<Step> steps(1);
  bool in_output = false;
  for (const std::string& line : lines) {
    const bool starts_step = line.starts_with("$ ") || line.starts_with("## ");
    if (in_output && starts_step) {
      Step next;
      move_tail(steps.back(), next);
      steps.push_back(next);
      in_output = false;
    }
    if (line.starts_with("$ ")) {
      steps.back().command = line.substr(2);
      in_output = true;
    } else if (!in_output) {
      steps.back().before.push_back(line);
    } else if (is_exit_code(line)) {
      steps.back().code = std::stoi(line.substr(1));
    } else {
      steps.back().expected.push_back(line);
    }
  }
  return steps;
}

// "..." stands for any text.
bool line_fits(std::string_view line, std::string_view pattern) {
  const std::size_t hole = pattern.find("...");
  if (hole == std::string_view::npos) return line == pattern;
  if (!line.starts_with(pattern.substr(0, hole))) return false;
  const std::string_view rest = pattern.substr(hole + 3);
  for (std::size_t at = hole; at <= line.size(); ++at) {
    if (line_fits(line.substr(at), rest)) return true;
  }
  return false;
}

bool fits(const std::vector<std::string>& lines, std::size_t at,
          const std::vector<std::string>& patterns, std::size_t pattern) {
  if (pattern == patterns.size()) return at == lines.size();
  if (patterns[pattern] == "...") {
    for (std::size_t skip = at; skip <= lines.size(); ++skip) {
      if (fits(lines, skip, patterns, pattern + 1)) return true;
    }
    return false;
  }
  return at < lines.size() && line_fits(lines[at], patterns[pattern]) &&
         fits(lines, at + 1, patterns, pattern + 1);
}

struct Outcome {
  std::vector<std::string> lines;
  int code = 0;
};

Outcome run(const std::string& command, const fs::path& folder) {
  const std::string whole = "cd '" + folder.string() + "' && { " + command + "\n} 2>&1";
  FILE* pipe = popen(whole.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot start a shell");
  std::string text;
  char buffer[4096];
  while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe))
    text.append(buffer, got);
  const int status = pclose(pipe);
  return {split_lines(text), WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)};
}

bool passes(const Step& step, const Outcome& outcome) {
  return step.code == outcome.code && fits(outcome.lines, 0, step.expected, 0);
}

void report(const std::string& file, const Step& step, const Outcome& outcome) {
  std::cout << file << "\n$ " << step.command << "\n--- expected [" << step.code << "]\n";
  for (const std::string& line : step.expected) std::cout << line << "\n";
  std::cout << "--- printed [" << outcome.code << "]\n";
  for (const std::string& line : outcome.lines) std::cout << line << "\n";
  std::cout << "\n";
}

void write(const std::string& file, const std::vector<Step>& steps) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  for (const Step& step : steps) {
    for (const std::string& line : step.before) out << line << "\n";
    if (step.command.empty()) continue;
    out << "$ " << step.command << "\n";
    for (const std::string& line : step.expected) out << line << "\n";
    if (step.code != 0) out << "[" << step.code << "]\n";
  }
}

// The number of steps that differ.
int check(const std::string& file, bool rewrite) {
  setenv("TRANSCRIPTS", fs::absolute(file).parent_path().c_str(), 1);
  const fs::path folder =
      fs::temp_directory_path() /
      ("fivefold_transcript_" + fs::path(file).stem().string() + "_" + std::to_string(getpid()));
  fs::create_directories(folder);
  std::vector<Step> steps = parse(read_lines(file));
  int differing = 0;
  for (Step& step : steps) {
    if (step.command.empty()) continue;
    const Outcome outcome = run(step.command, folder);
    if (passes(step, outcome)) continue;
    ++differing;
    if (rewrite) {
      step.expected = outcome.lines;
      step.code = outcome.code;
    } else {
      report(file, step, outcome);
    }
  }
  fs::remove_all(folder);
  if (rewrite && differing > 0) write(file, steps);
  std::cout << file << ": " << differing << (rewrite ? " rewritten" : " differ") << "\n";
  return differing;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const bool rewrite = !words.empty() && words.front() == "--rewrite";
  if (rewrite) words.erase(words.begin());
  if (words.size() < 2) {
    std::cerr << "usage: transcript_test [--rewrite] PROGRAM FILE...\n";
    return 2;
  }
  const char* path = std::getenv("PATH");
  const std::string program_folder = fs::absolute(words.front()).parent_path().string();
  setenv("PATH", (program_folder + ":" + (path != nullptr ? path : "")).c_str(), 1);
  int differing = 0;
  for (std::size_t i = 1; i < words.size(); ++i) differing += check(words[i], rewrite);
  return differing == 0 || rewrite ? 0 : 1;
}
