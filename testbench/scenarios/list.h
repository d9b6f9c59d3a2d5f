// Every scenario's entry point. What each does is said in list.cpp, for `ringside list`.
#pragma once

#include "testbench/scenarios/context.h"

namespace ringside::scenarios {

void enumerate(Context& context);
void boot_log(Context& context);
void identify(Context& context);
void write_masks(Context& context);
void read_write(Context& context);
void scatter_gather(Context& context);
void batch(Context& context);
void small_ring_wrap(Context& context);
void flush(Context& context);
void get_id(Context& context);
void discard(Context& context);
void write_zeroes(Context& context);
void write_cache(Context& context);
void refused(Context& context);
void polled(Context& context);
void intx(Context& context);
void msix(Context& context);
void event_index(Context& context);
void queue_reset(Context& context);
void out_of_order(Context& context);
void image(Context& context);
void legacy(Context& context);
void transitional(Context& context);
void pci_cfg_window(Context& context);
void ecam(Context& context);
void bars(Context& context);
void behind_bridge(Context& context);
void two_disks(Context& context);
void multi_function(Context& context);
void msix_mask(Context& context);
void flr(Context& context);
void removal(Context& context);
void removal_in_flight(Context& context);
void recovery_queue(Context& context);
void recovery_device(Context& context);
void recovery_deaf(Context& context);
void survive(Context& context);
void packed(Context& context);
void packed_event_index(Context& context);
void in_order(Context& context);
void notification_data(Context& context);
void multi_queue(Context& context);
void many_queues(Context& context);
void shared_vector(Context& context);
void no_vector(Context& context);
void platform_translation(Context& context);
void read_only(Context& context);
void block_size_4k(Context& context);
void resize(Context& context);
void large_disk(Context& context);
void lifetime(Context& context);
void secure_erase(Context& context);
void ring_of_two(Context& context);
void largest_ring(Context& context);
void split_large(Context& context);
void split_size_max(Context& context);
void bounce(Context& context);
void ata(Context& context);
void simulated_disk(Context& context);
void eclipsefs(Context& context);
void firmware_handover(Context& context);

}  // namespace ringside::scenarios
