// SPDX-License-Identifier: MIT OR Apache-2.0
// A bounded queue of bytes.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define QUEUE_SIZE 4096u // power of two

struct queue {
    uint8_t bytes[QUEUE_SIZE];
    uint32_t head, tail; // run freely, masked on use
};

uint32_t queue_count(const struct queue *queue);
uint32_t queue_room(const struct queue *queue);
bool queue_put(struct queue *queue, uint8_t byte);
// The next bytes without taking them: at most size, in one piece. queue_drop takes them.
uint32_t queue_peek(const struct queue *queue, const uint8_t **out_bytes, uint32_t size);
void queue_drop(struct queue *queue, uint32_t count);
// Free space in one piece, to be filled and then claimed with queue_claim.
uint32_t queue_space(struct queue *queue, uint8_t **out_bytes, uint32_t size);
void queue_claim(struct queue *queue, uint32_t count);
