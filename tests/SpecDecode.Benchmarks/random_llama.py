#!/usr/bin/env python3
"""Writes a Llama checkpoint of random weights: the cost of a shape without the model. Standard library only.

  random_llama.py OUT_DIR [--hidden 576] [--layers 30] [--heads 9] [--kv-heads 3] [--ffn 1536] [--vocabulary 150000]

The defaults are SmolLM2-135M's shape with a larger vocabulary. Weights are normal with deviation 0.02, in bfloat16, drawn once
and repeated with a prime period, so that no two rows are alike. The head is tied.
"""
import argparse, array, json, os, random, struct

p = argparse.ArgumentParser()
p.add_argument("out")
for name, default in (("hidden", 576), ("layers", 30), ("heads", 9), ("kv-heads", 3), ("ffn", 1536), ("vocabulary", 150000)):
    p.add_argument("--" + name, type=int, default=default)
a = p.parse_args()
d, hd = a.hidden, a.hidden // a.heads
kv = a.kv_heads * hd
tensors = {"model.embed_tokens.weight": [a.vocabulary, d], "model.norm.weight": [d]}
for i in range(a.layers):
    layer = {"input_layernorm": [d], "post_attention_layernorm": [d], "self_attn.q_proj": [d, d], "self_attn.k_proj": [kv, d],
             "self_attn.v_proj": [kv, d], "self_attn.o_proj": [d, d], "mlp.gate_proj": [a.ffn, d], "mlp.up_proj": [a.ffn, d],
             "mlp.down_proj": [d, a.ffn]}
    tensors.update({f"model.layers.{i}.{name}.weight": shape for name, shape in layer.items()})

rng = random.Random(1)
period = 1000003
normal = array.array("H", (struct.unpack("<I", struct.pack("<f", rng.gauss(0, 0.02)))[0] >> 16 for _ in range(period))).tobytes()
head, end = {}, 0
for name, shape in tensors.items():
    size = 2 * (shape[0] if len(shape) == 1 else shape[0] * shape[1])
    head[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + size]}
    end += size
text = json.dumps(head).encode()
os.makedirs(a.out, exist_ok=True)
with open(os.path.join(a.out, "model.safetensors"), "wb") as out:
    out.write(struct.pack("<Q", len(text)) + text)
    offset = 0
    for name, shape in tensors.items():
        left = head[name]["data_offsets"][1] - head[name]["data_offsets"][0]
        if len(shape) == 1:
            out.write(b"\x80\x3f" * (left // 2))
            continue
        while left:
            part = normal[offset:offset + left]
            out.write(part)
            left -= len(part)
            offset = (offset + len(part)) % len(normal)
config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": d, "intermediate_size": a.ffn,
          "num_hidden_layers": a.layers, "num_attention_heads": a.heads, "num_key_value_heads": a.kv_heads, "head_dim": hd,
          "hidden_act": "silu", "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "max_position_embeddings": 2048,
          "vocab_size": a.vocabulary, "tie_word_embeddings": True, "torch_dtype": "bfloat16", "bos_token_id": 0, "eos_token_id": 1}
json.dump(config, open(os.path.join(a.out, "config.json"), "w"), indent=1)
