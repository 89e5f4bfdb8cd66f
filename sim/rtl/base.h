// SPDX-License-Identifier: Apache-2.0
// The simulated top of a system, what it prints, and an AXI4-Lite master at its registers.
#pragma once
#include <array>
#include <cstdarg>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

#include "Vtop.h"
#include "gate.h"
#include "verilated.h"
#include "verilated_syms.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

static thread_local std::string printed;

int samfabric_print(const char* format, ...) {
    std::array<char, 1024> text;
    va_list values;
    va_start(values, format);
    const int length = vsnprintf(text.data(), text.size(), format, values);
    va_end(values);
    if (printed.size() < 4000) printed += text.data();
    return length;
}

void vl_fatal(const char* file, int line, const char*, const char* message) {
    throw std::runtime_error(std::string(file) + ":" + std::to_string(line) + ": " + message);
}

namespace {

enum Outcome { RUNNING = 0, DONE = 1, STOPPED = 2, NO_ANSWER = 3 };
constexpr int ANSWER_CYCLES = 1000;  // of a register; it has no reason to take more than some

// Self has `drive`, called before a cycle's signals settle, and `settle`, called after.
template <typename Self>
class Simulated {
    VerilatedContext context;
    template <typename System>
    friend void visit_values(System&, const char*, void (*)(const char*, uint32_t));
    Self& self() { return static_cast<Self&>(*this); }

protected:
    std::unique_ptr<Vtop> top;

    explicit Simulated(int seed) {
        use();
        context.randReset(2);
        context.randSeed(seed);
        context.fatalOnError(false);
        context.assertOn(false);  // nothing holds before the reset
        top = std::make_unique<Vtop>(&context, "TOP");
    }
    ~Simulated() {
        use();
        top->final();
    }

    void reset() {
        top->s_axi_control_awvalid = 0;
        top->s_axi_control_wvalid = 0;
        top->s_axi_control_bready = 0;
        top->s_axi_control_arvalid = 0;
        top->s_axi_control_rready = 0;
        top->rst = 1;
        for (int i = 0; i < 8; ++i) idle();
        context.assertOn(true);
        top->rst = 0;
        idle();
    }

    // One clock cycle. The system's other side is served in every one of them, whatever else is
    // going on; `sample` sees the outputs as they stand at its end.
    template <typename Sample>
    void cycle(Sample sample) {
        self().drive();
        top->clk = 0;
        top->eval();
        sample();
        self().settle();
        top->clk = 1;
        top->eval();
        context.timeInc(1);
        ++cycles;
        if (context.gotError()) throw std::runtime_error("");
    }

    void idle() {
        cycle([] {});
    }

public:
    uint64_t cycles = 0;
    std::string message;

    // Several systems may live in one process: what the run-time library asks of is this one.
    void use() { Verilated::threadContextp(&context); }

    bool write(uint32_t offset, uint32_t value) {
        top->s_axi_control_awaddr = offset;
        top->s_axi_control_wdata = value;
        top->s_axi_control_wstrb = 0xf;
        bool address = true, data = true, answer = true;
        for (int i = 0; i < ANSWER_CYCLES && (address || data || answer); ++i) {
            bool a = false, w = false, b = false;
            top->s_axi_control_awvalid = address;
            top->s_axi_control_wvalid = data;
            top->s_axi_control_bready = answer;
            cycle([&] {
                a = address && top->s_axi_control_awready;
                w = data && top->s_axi_control_wready;
                b = answer && top->s_axi_control_bvalid;
            });
            address &= !a, data &= !w, answer &= !b;
        }
        top->s_axi_control_awvalid = 0;
        top->s_axi_control_wvalid = 0;
        top->s_axi_control_bready = 0;
        return !(address || data || answer);
    }

    bool read(uint32_t offset, uint32_t& value) {
        top->s_axi_control_araddr = offset;
        bool address = true, answer = true;
        for (int i = 0; i < ANSWER_CYCLES && (address || answer); ++i) {
            bool a = false, r = false;
            top->s_axi_control_arvalid = address;
            top->s_axi_control_rready = answer;
            cycle([&] {
                a = address && top->s_axi_control_arready;
                r = answer && top->s_axi_control_rvalid;
                if (r) value = top->s_axi_control_rdata;
            });
            address &= !a, answer &= !r;
        }
        top->s_axi_control_arvalid = 0;
        top->s_axi_control_rready = 0;
        return !(address || answer);
    }
};

template <typename System>
void visit_values(System& system, const char* name, void (*visit)(const char*, uint32_t)) {
    for (const auto& [path, scope] : *system.context.scopeNameMap()) {
        const VerilatedVar* const found = scope->varFind(name);
        if (found) visit(path, *static_cast<const uint32_t*>(found->datap()));
    }
}

// Runs a step; what the design or the simulator object to becomes the system's message.
template <typename System, typename Step>
int guarded(System* system, Step step) {
    try {
        system->use();
        return step();
    } catch (const std::exception& error) {
        system->message = printed + error.what();
        printed.clear();
        return STOPPED;
    }
}

}  // namespace
