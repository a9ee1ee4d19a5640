# The command, the library as the CMake package `fivefold`, its headers and the catalog.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(rooms GLOBAL PROPERTY FIVEFOLD_ROOMS)
add_library(fivefold_library INTERFACE)
set_target_properties(fivefold_library PROPERTIES EXPORT_NAME fivefold)
target_link_libraries(fivefold_library INTERFACE ${rooms})
target_include_directories(fivefold_library INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(fivefold_library INTERFACE cxx_std_20)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/fivefold)
install(TARGETS fivefold RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS fivefold_library ${rooms} fivefold_embedded EXPORT fivefoldTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT fivefoldTargets NAMESPACE fivefold:: DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/fivefoldConfig.cmake.in
  ${PROJECT_BINARY_DIR}/fivefoldConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/fivefoldConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/fivefoldConfig.cmake ${PROJECT_BINARY_DIR}/fivefoldConfigVersion.cmake
        DESTINATION ${package_dir})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/fivefold DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN "*_test.h" EXCLUDE)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/catalog DESTINATION ${CMAKE_INSTALL_DATADIR}/fivefold)
