#include <iostream>

#include "fivefold/catalog/catalog.h"

int main() {
  const auto catalog = fivefold::Catalog::load();
  if (!catalog) return 1;
  const auto system = catalog->system("cloudmatrix384");
  std::cout << (*system)->name << " has " << (*system)->chips << " chips\n";
}
