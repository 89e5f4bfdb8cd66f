// SPDX-License-Identifier: Apache-2.0
// Plain C functions that every compiled system exports; `System` is its class.
#pragma once
#include "base.h"

EXPORT System* rtl_open(int seed, char* message, uint32_t size) {
    printed.clear();
    std::string objection;
    try {
        auto system = std::make_unique<System>(seed);
        // Such as a memory file that is not there, which is but a warning to the simulator.
        if (printed.find('%') == std::string::npos) return system.release();
    } catch (const std::exception& error) {
        objection = error.what();
    }
    snprintf(message, size, "%s%s", printed.c_str(), objection.c_str());
    return nullptr;
}

EXPORT void rtl_close(System* system) { delete system; }
EXPORT uint64_t rtl_cycles(System* system) { return system->cycles; }
EXPORT const char* rtl_message(System* system) { return system->message.c_str(); }

EXPORT int rtl_write(System* system, uint32_t offset, uint32_t value) {
    return guarded(system, [&] { return system->write(offset, value) ? DONE : NO_ANSWER; });
}

EXPORT int rtl_read(System* system, uint32_t offset, uint32_t* value) {
    return guarded(system, [&] { return system->read(offset, *value) ? DONE : NO_ANSWER; });
}

// Values of a 32-bit variable by that name in every module instance that has it, for `visit`.
EXPORT void rtl_values(System* system, const char* name, void (*visit)(const char*, uint32_t)) {
    visit_values(*system, name, visit);
}
