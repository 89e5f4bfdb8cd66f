# SPDX-License-Identifier: Apache-2.0
# Project, block design, bitstream of a system: vivado -mode batch -source build.tcl
#
# Everything that differs between boards and models stands in settings.tcl beside this file, which
# `make bitstream` writes; file names in it are relative to it. Results go to out/. Each stage says
# "STEP <name>" first. Exit code 0, 1 on an error, 4 when timing is not met.
#
# The block design: the processor (ps) with its clock at the target frequency; the system (system),
# steered over one SmartConnect (control_net) and reading and writing memory over another
# (memory_net). The system's interrupt is left open. Which cells there are and how each is set
# stands in settings.tcl (hw/build/block_design.py); here they are wired.

set here [file dirname [file normalize [info script]]]
source [file join $here settings.tcl]

# Vivado's Tcl may be 8.5, and it has commands `step` and `run` of its own.
proc stage {name} { puts "STEP $name"; flush stdout }
proc here {path} { return [file normalize [file join $::here $path]] }
proc all_here {paths} {
  set found {}
  foreach path $paths { lappend found [here $path] }
  return $found
}

# ---- What Zynq-7000 and Zynq UltraScale+ name differently

if {$family eq "xc7"} {
  set ps_rule   xilinx.com:bd_rule:processing_system7
  set ps_clock  FCLK_CLK0
  set ps_reset  FCLK_RESET0_N
  set ps_master M_AXI_GP0
  set ps_master_clock M_AXI_GP0_ACLK
  set hp_port   S_AXI_HP0
  set hp_clock  S_AXI_HP0_ACLK
  set hp_memories [list S_AXI_HP0/HP0_DDR_LOWOCM]
  set hp_others {}
} elseif {$family eq "xcup"} {
  set ps_rule   xilinx.com:bd_rule:zynq_ultra_ps_e
  set ps_clock  pl_clk0
  set ps_reset  pl_resetn0
  set ps_master M_AXI_HPM0_FPD
  set ps_master_clock maxihpm0_fpd_aclk
  set hp_port   S_AXI_HP0_FPD
  set hp_clock  saxihp0_fpd_aclk
  set hp_memories [list SAXIGP2/HP0_DDR_LOW SAXIGP2/HP0_DDR_HIGH]
  set hp_others [list SAXIGP2/HP0_LPS_OCM SAXIGP2/HP0_QSPI SAXIGP2/HP0_PCIE_LOW]
} else {
  error "family $family is neither xc7 nor xcup"
}

# ---- Project

stage project
create_project -force $name [here project] -part $part
# The board's files may be of another version or vendor (Avnet's became AMD's), or not be there: the
# processor then has what settings.tcl lists of them, and without such a list nothing is guessed.
set boards [get_board_parts -quiet "*:[lindex [split $board_part :] 1]:part0:*"]
if {[llength $boards]} {
  set_property board_part [lindex [lsort -dictionary $boards] end] [current_project]
} elseif {[llength $preset]} {
  puts "WARNING: no board files of $board_part: the processor is set up from settings.tcl"
} else {
  error "no board files of $board_part: install them (Tools, Vivado Store), or list the\
    processor's parameters as \[preset\] in the board's file under hw/boards"
}
foreach file [concat $sources $headers $memories] {
  if {![file exists [here $file]]} { error "file not found: [here $file]" }
}
add_files -norecurse [all_here $sources]
if {[llength $headers]} {
  add_files -norecurse [all_here $headers]
  set folders {}
  foreach file [all_here $headers] { lappend folders [file dirname $file] }
  set_property include_dirs [lsort -unique $folders] [current_fileset]
}
if {[llength $memories]} {
  add_files -norecurse [all_here $memories]
  set_property file_type {Memory Initialization Files} [get_files [all_here $memories]]
}
# Accelerators that are IPs are synthesised with the sources that instantiate them: a module of a
# block design may hold no IP that has been synthesised on its own (UG994, "Referencing RTL Modules").
if {[llength $ips]} {
  foreach repository $ip_folders {
    if {![file exists [here $repository/component.xml]]} {
      error "no IP in [here $repository]: run hls/run_hls.tcl first"
    }
  }
  set_property ip_repo_paths [all_here $ip_folders] [current_project]
  update_ip_catalog
  foreach {module vlnv} $ips {
    create_ip -vlnv $vlnv -module_name $module
    set_property generate_synth_checkpoint false [get_files $module.xci]
    generate_target all [get_files $module.xci]
  }
}
set_property verilog_define SYNTHESIS=1 [current_fileset]
update_compile_order -fileset sources_1

# ---- Cells

stage cells
create_bd_design overlay

foreach cell $cells {
  foreach {cell_name type config} $cell {}
  create_bd_cell -type ip -vlnv $type $cell_name
  if {$cell_name eq "ps"} {
    set rule [list apply_board_preset [expr {[llength $boards] > 0}]]
    if {$family eq "xc7"} {
      lappend rule make_external "FIXED_IO, DDR" Master Disable Slave Disable
    }
    apply_bd_automation -rule $ps_rule -config $rule [get_bd_cells ps]
    if {![llength $boards]} { set_property -dict $preset [get_bd_cells ps] }
  }
  if {[llength $config]} { set_property -dict $config [get_bd_cells $cell_name] }
}
create_bd_cell -type module -reference $top system

# ---- Interfaces

stage interfaces
proc join_interfaces {from to} {
  connect_bd_intf_net [get_bd_intf_pins $from] [get_bd_intf_pins $to]
}

join_interfaces ps/$ps_master control_net/S00_AXI
join_interfaces control_net/M00_AXI system/s_axi_control
join_interfaces system/m_axi memory_net/S00_AXI
join_interfaces memory_net/M00_AXI ps/$hp_port

# ---- Clock and reset

stage clocks
set clocked [list ps/$ps_master_clock ps/$hp_clock reset/slowest_sync_clk system/aclk \
  control_net/aclk memory_net/aclk]
set reset_by [list system/aresetn control_net/aresetn memory_net/aresetn]
connect_bd_net [get_bd_pins ps/$ps_reset] [get_bd_pins reset/ext_reset_in]
foreach pin $clocked { connect_bd_net [get_bd_pins ps/$ps_clock] [get_bd_pins $pin] }
foreach pin $reset_by { connect_bd_net [get_bd_pins reset/peripheral_aresetn] [get_bd_pins $pin] }

# ---- Addresses

stage addresses
assign_bd_address -offset $address -range $address_range \
  -target_address_space [get_bd_addr_spaces ps/Data] \
  [get_bd_addr_segs system/s_axi_control/reg0] -force
set mover [get_bd_addr_spaces system/m_axi]
foreach memory $hp_memories {
  # How much there is above 2 GB depends on the board: an UltraScale+ may have none.
  if {[llength [get_bd_addr_segs -quiet ps/$memory]]} {
    assign_bd_address -target_address_space $mover [get_bd_addr_segs ps/$memory] -force
  }
}
foreach other $hp_others {
  if {[llength [get_bd_addr_segs -quiet ps/$other]]} {
    exclude_bd_addr_seg -target_address_space $mover [get_bd_addr_segs ps/$other]
  }
}

stage validate
validate_bd_design
save_bd_design
set design [get_files overlay.bd]
# Synthesised with the rest, so that the ROMs' files are found.
set_property synth_checkpoint_mode None $design
generate_target all $design
add_files -norecurse [make_wrapper -files $design -top]
set_property top overlay_wrapper [current_fileset]
update_compile_order -fileset sources_1

# ---- Synthesis to bitstream

proc complete_run {run args} {
  launch_runs $run -jobs $::jobs {*}$args
  wait_on_run $run
  if {[get_property PROGRESS [get_runs $run]] ne "100%"} {
    set where [get_property DIRECTORY [get_runs $run]]
    error "$run: [get_property STATUS [get_runs $run]]; see $where"
  }
}

file mkdir [here out]
stage synthesis
complete_run synth_1

stage implementation
set_property STEPS.PHYS_OPT_DESIGN.IS_ENABLED true [get_runs impl_1]
launch_runs impl_1 -to_step route_design -jobs $jobs
wait_on_run impl_1
open_run impl_1
report_utilization -hierarchical -hierarchical_depth 4 -file [here out/utilization.rpt]
report_timing_summary -file [here out/timing.rpt]

stage timing
set setup [get_property SLACK [get_timing_paths -delay_type max -max_paths 1]]
set hold  [get_property SLACK [get_timing_paths -delay_type min -max_paths 1]]
puts "TIMING $setup $hold"
if {![string is double -strict $setup] || ![string is double -strict $hold]} {
  error "no timing paths: is the clock there?"
}
if {$setup < 0 || $hold < 0} {
  puts "ERROR: timing is not met: worst setup slack $setup ns, worst hold slack $hold ns"
  exit 4
}
close_design

stage bitstream
complete_run impl_1 -to_step write_bitstream
file copy -force [get_property DIRECTORY [get_runs impl_1]]/overlay_wrapper.bit [here out/$name.bit]
set handoff [glob -nocomplain [here project]/$name.gen/sources_1/bd/overlay/hw_handoff/overlay.hwh]
if {![llength $handoff]} { error "Vivado left no overlay.hwh" }
file copy -force [lindex $handoff 0] [here out/$name.hwh]
# For xmutil (Ubuntu on Kria) and PetaLinux, which make a device tree of it.
write_hw_platform -fixed -include_bit -force -file [here out/$name.xsa]
stage done
