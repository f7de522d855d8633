// Columns of text for people.
#pragma once

#include <string>
#include <vector>

namespace ofe {

// Each column as wide as its widest cell (in code points: "≥" is one), two blanks between; a line a row. All rows have
// as many cells as the first.
std::string table_of(const std::vector<std::vector<std::string>>& rows);

// "namespace/name"; "" where there is no Pod.
std::string pod_text(const std::string& name_space, const std::string& name);

}  // namespace ofe
