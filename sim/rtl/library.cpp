// SPDX-License-Identifier: Apache-2.0
// The compiled system behind plain C functions: clocks it, speaks AXI4-Lite to its registers and
// serves all stream channels at once. channels.h, made for each system, lists the channels as
// X(index).
#include <array>
#include <cstdarg>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

#include "Vtop.h"
#include "channels.h"
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

enum Outcome { RUNNING = 0, DONE = 1, LAST_WRONG = 2, STOPPED = 3, NO_ANSWER = 4 };
constexpr int ANSWER_CYCLES = 1000;  // of a register; it has no reason to take more than some

struct Channel {
    CData *data, *last, *valid, *ready;
    uint8_t* bytes = nullptr;
    uint64_t count = 0, moved = 0;
    bool offering = false;  // a source's beat waits to be taken
    bool waiting = false;   // a beat waited for the sink in the cycle before
    Gate gate;
};

class System {
    VerilatedContext context;
    std::unique_ptr<Vtop> top;
    friend void visit_values(System&, const char*, void (*)(const char*, uint32_t));

    // One clock cycle. The channels are served in every one of them, whatever else is going on;
    // `sample` sees the outputs as they stand at its end.
    template <typename Sample>
    void cycle(Sample sample) {
        for (auto& c : inputs) drive_source(c);
        for (auto& c : outputs) *c.ready = c.moved < c.count && c.gate.go(c.waiting);
        top->clk = 0;
        top->eval();
        sample();
        sample_channels();
        top->clk = 1;
        top->eval();
        context.timeInc(1);
        ++cycles;
        if (context.gotError()) throw std::runtime_error("");
    }

    void sample_channels() {
        bool moved = false;
        for (auto& c : inputs) {
            if (!c.offering || !*c.ready) continue;
            c.offering = false, moved = true, ++c.moved;
        }
        for (auto& c : outputs) {
            c.waiting = *c.valid && !*c.ready;
            if (!*c.valid || !*c.ready) continue;
            c.bytes[c.moved] = *c.data;
            moved = true, ++c.moved;
            if (*c.last != (c.moved == c.count)) wrong = &c - outputs.data();
        }
        quiet = moved ? 0 : quiet + 1;
    }

    void drive_source(Channel& c) {
        if (c.offering) {
            c.gate.go(true);
        } else if (c.moved < c.count && c.gate.go(false)) {
            *c.data = c.bytes[c.moved];
            *c.last = c.moved + 1 == c.count;
            c.offering = true;
        } else if (!c.gate.steady()) {
            *c.data = c.gate.noise().bits() & 0xff;
            *c.last = c.gate.noise().bits() & 1;
        }
        *c.valid = c.offering;
    }

public:
    std::array<Channel, INPUTS> inputs;
    std::array<Channel, OUTPUTS> outputs;
    uint64_t cycles = 0, quiet = 0;
    int wrong = -1;  // output channel whose tlast was wrong
    std::string message;

    explicit System(int seed) {
        use();
        context.randReset(2);
        context.randSeed(seed);
        context.fatalOnError(false);
        context.assertOn(false);  // nothing holds before the reset
        top = std::make_unique<Vtop>(&context, "TOP");
#define X(i)                                                                        \
    inputs[i].data = &top->s_axis_##i##_tdata, inputs[i].last = &top->s_axis_##i##_tlast, \
    inputs[i].valid = &top->s_axis_##i##_tvalid, inputs[i].ready = &top->s_axis_##i##_tready;
        INPUT_LIST
#undef X
#define X(i)                                                                         \
    outputs[i].data = &top->m_axis_##i##_tdata, outputs[i].last = &top->m_axis_##i##_tlast, \
    outputs[i].valid = &top->m_axis_##i##_tvalid, outputs[i].ready = &top->m_axis_##i##_tready;
        OUTPUT_LIST
#undef X
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
    ~System() {
        use();
        top->final();
    }

    // Several systems may live in one process: what the run-time library asks of is this one.
    void use() { Verilated::threadContextp(&context); }

    void idle() {
        cycle([] {});
    }

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

    // Until all channels are done, for so many cycles at most.
    Outcome advance(uint64_t limit) {
        for (; limit && !finished() && wrong < 0; --limit) cycle([] {});
        if (wrong >= 0) return LAST_WRONG;
        return finished() ? DONE : RUNNING;
    }

    bool finished() const {
        for (auto& c : inputs) if (c.moved < c.count) return false;
        for (auto& c : outputs) if (c.moved < c.count) return false;
        return true;
    }

    // No channel is served until it is given bytes again.
    void rest() {
        for (auto& c : inputs) c.count = c.moved = 0, c.offering = false;
        for (auto& c : outputs) c.count = c.moved = 0, c.waiting = false;
        quiet = 0;
        wrong = -1;
    }
};

void visit_values(System& system, const char* name, void (*visit)(const char*, uint32_t)) {
    for (const auto& [path, scope] : *system.context.scopeNameMap()) {
        const VerilatedVar* const found = scope->varFind(name);
        if (found) visit(path, *static_cast<const uint32_t*>(found->datap()));
    }
}

// Runs a step; what the design or the simulator object to becomes the system's message.
template <typename Step>
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
EXPORT uint64_t rtl_quiet(System* system) { return system->quiet; }
EXPORT int rtl_wrong(System* system) { return system->wrong; }
EXPORT const char* rtl_message(System* system) { return system->message.c_str(); }

EXPORT int rtl_write(System* system, uint32_t offset, uint32_t value) {
    return guarded(system, [&] { return system->write(offset, value) ? DONE : NO_ANSWER; });
}

EXPORT int rtl_read(System* system, uint32_t offset, uint32_t* value) {
    return guarded(system, [&] { return system->read(offset, *value) ? DONE : NO_ANSWER; });
}

// Ends whatever was under way on all channels.
EXPORT void rtl_rest(System* system) { system->rest(); }

EXPORT void rtl_serve(System* system, int output, int index, uint8_t* bytes, uint64_t count,
                      int pattern, uint64_t seed) {
    Channel& c = output ? system->outputs[index] : system->inputs[index];
    c.bytes = bytes, c.count = count, c.moved = 0;
    c.gate = Gate(static_cast<Pattern>(pattern), seed);
}

EXPORT int rtl_advance(System* system, uint64_t cycles) {
    return guarded(system, [&] { return system->advance(cycles); });
}

EXPORT uint64_t rtl_moved(System* system, int output, int index) {
    return output ? system->outputs[index].moved : system->inputs[index].moved;
}

// Values of a 32-bit variable by that name in every module instance that has it, for `visit`.
EXPORT void rtl_values(System* system, const char* name, void (*visit)(const char*, uint32_t)) {
    visit_values(*system, name, visit);
}
