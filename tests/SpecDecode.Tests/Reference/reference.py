"""Independent NumPy reference for Hugging Face decoder-only checkpoints.

Reads a folder (config.json + model.safetensors or a sharded set), widens the
stored weights to float64 and runs the whole sequence at once, without a cache.

    m = Reference("/path/folder")
    r = m.forward([1, 5, 9])        # r.logits [T, V]; r.hidden[0] embeddings, r.hidden[i+1] after layer i
    m.forward(ids, skip_attention={1}, skip_mlp={2}, exit_layer=3)

Families (config.model_type): llama mistral qwen2 qwen3 phi3 gemma2 smollm3 olmo2 gpt_neox.
"""
import json
import math
import os
import struct
from collections import namedtuple

import numpy as np

Result = namedtuple("Result", "logits hidden")

# ---------------------------------------------------------------- checkpoint reading

def _widen(raw, dtype):
    if dtype == "F32":
        return np.frombuffer(raw, "<f4").astype(np.float64)
    if dtype == "F64":
        return np.frombuffer(raw, "<f8").astype(np.float64)
    if dtype == "F16":
        return np.frombuffer(raw, "<f2").astype(np.float64)
    if dtype == "BF16":
        return (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    if dtype in ("U8", "BOOL"):
        return np.frombuffer(raw, np.uint8).astype(np.float64)
    raise ValueError("dtype " + dtype)


def read_safetensors(path):
    with open(path, "rb") as f:
        size = struct.unpack("<Q", f.read(8))[0]
        head = json.loads(f.read(size))
        data = f.read()
    out = {}
    for name, t in head.items():
        if name == "__metadata__":
            continue
        a, b = t["data_offsets"]
        out[name] = _widen(data[a:b], t["dtype"]).reshape(t["shape"])
    return out


def read_folder(folder):
    index = os.path.join(folder, "model.safetensors.index.json")
    if not os.path.exists(index):
        return read_safetensors(os.path.join(folder, "model.safetensors"))
    out = {}
    for part in sorted(set(json.load(open(index))["weight_map"].values())):
        out.update(read_safetensors(os.path.join(folder, part)))
    return out

# ---------------------------------------------------------------- elementwise pieces

_erf = np.vectorize(math.erf, otypes=[np.float64])


def silu(x):
    return x / (1.0 + np.exp(-x))


def gelu_erf(x):
    return 0.5 * x * (1.0 + _erf(x / math.sqrt(2.0)).astype(x.dtype))


def gelu_tanh(x):
    return 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x ** 3)))


ACT = {"silu": silu, "gelu": gelu_erf, "gelu_pytorch_tanh": gelu_tanh, "gelu_new": gelu_tanh,
       "swish": silu, "gelu_fast": gelu_tanh, "relu": lambda x: np.maximum(x, 0.0)}


def rms_norm(x, w, eps, plus_one=False):
    y = x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps)
    return y * (1.0 + w if plus_one else w)


def layer_norm(x, w, b, eps):
    c = x - x.mean(axis=-1, keepdims=True)
    return c / np.sqrt(np.mean(c * c, axis=-1, keepdims=True) + eps) * w + b


def softmax(s):
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)

# ---------------------------------------------------------------- config.json

# What a family takes for a key that is absent; "" holds for every family that has nothing of its own. Null is not absent.
DEFAULTS = {
    "": dict(rms_norm_eps=1e-6, layer_norm_eps=1e-5, hidden_act="silu", rope_theta=10000.0, partial_rotary_factor=1.0,
             tie_word_embeddings=False, attention_bias=False, num_key_value_heads=None, head_dim=None, sliding_window=None,
             use_sliding_window=False, max_window_layers=28, no_rope_layer_interval=4, use_parallel_residual=True,
             max_position_embeddings=2048),
    "mistral": dict(num_key_value_heads=8, sliding_window=4096, max_position_embeddings=131072),
    "qwen2": dict(num_key_value_heads=32, sliding_window=4096, attention_bias=True, max_position_embeddings=32768),
    "qwen3": dict(num_key_value_heads=32, sliding_window=4096, head_dim=128, max_position_embeddings=32768),
    "phi3": dict(rms_norm_eps=1e-5, max_position_embeddings=4096, original_max_position_embeddings=4096),
    "gemma2": dict(num_key_value_heads=4, head_dim=256, hidden_activation="gelu_pytorch_tanh", query_pre_attn_scalar=256,
                   attn_logit_softcapping=50.0, final_logit_softcapping=30.0, sliding_window=4096, tie_word_embeddings=True,
                   max_position_embeddings=8192),
    "smollm3": dict(num_key_value_heads=4, rope_theta=2000000.0, tie_word_embeddings=True, max_position_embeddings=32768),
    "olmo2": dict(rms_norm_eps=1e-5),
    "gpt_neox": dict(hidden_act="gelu", rotary_emb_base=10000.0, rotary_pct=0.25, attention_bias=True),
}


def setting(cfg, key):
    if key in cfg:
        return cfg[key]
    return DEFAULTS.get(cfg["model_type"], {}).get(key, DEFAULTS[""].get(key))


def key_value_heads(cfg):
    return setting(cfg, "num_key_value_heads") or cfg["num_attention_heads"]


def head_size(cfg):
    return setting(cfg, "head_dim") or cfg["hidden_size"] // cfg["num_attention_heads"]

# ---------------------------------------------------------------- rotary embedding

def rope_settings(cfg):
    """-> (theta, scaling dict with "rope_type", fraction of head_dim that is rotated)."""
    s = dict(cfg.get("rope_scaling") or cfg.get("rope_parameters") or {})   # as transformers 5; 4 knows the first alone
    s["rope_type"] = s.get("rope_type") or s.get("type") or "default"
    if s["rope_type"] == "su" or cfg["model_type"] == "phi3" and s["rope_type"] == "yarn":
        s["rope_type"] = "longrope"
    base, part = ("rotary_emb_base", "rotary_pct") if cfg["model_type"] == "gpt_neox" else ("rope_theta", "partial_rotary_factor")
    return s.get("rope_theta") or setting(cfg, base), s, s.get("partial_rotary_factor") or setting(cfg, part)


def yarn(cfg, s, theta, dim, inv):
    """YaRN, arXiv 2309.00071: -> (inverse frequencies, factor on cosines and sines)."""
    factor = s["factor"]
    original = cfg.get("original_max_position_embeddings") or s.get("original_max_position_embeddings") \
        or setting(cfg, "max_position_embeddings")

    def magnitude(weight):
        return 1.0 if factor <= 1 else 0.1 * weight * math.log(factor) + 1.0

    def pair_of(turns):
        return dim * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(theta))

    low, high = pair_of(s.get("beta_fast") or 32), pair_of(s.get("beta_slow") or 1)
    if s.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, dim - 1)
    ramp = np.clip((np.arange(len(inv)) - low) / (high - low if high > low else 0.001), 0.0, 1.0)
    attention = s.get("attention_factor")
    if attention is None:
        both = s.get("mscale") and s.get("mscale_all_dim")
        attention = magnitude(s["mscale"]) / magnitude(s["mscale_all_dim"]) if both else magnitude(1.0)
    return inv / factor * ramp + inv * (1.0 - ramp), attention


def longrope(cfg, s, inv, longest):
    """LongRoPE, arXiv 2402.13753: -> (inverse frequencies, factor on cosines and sines)."""
    original = cfg.get("original_max_position_embeddings") or s.get("original_max_position_embeddings") \
        or setting(cfg, "original_max_position_embeddings") or setting(cfg, "max_position_embeddings")
    factor = s.get("factor") or setting(cfg, "max_position_embeddings") / original
    attention = s.get("attention_factor")
    if attention is None:
        attention = 1.0 if factor <= 1 else math.sqrt(1 + math.log(factor) / math.log(original))
    return inv / np.array(s["long_factor" if longest > original else "short_factor"]), attention


def inverse_frequencies(cfg, head_dim, longest=0):
    """-> (inverse frequencies, factor on cosines and sines) of a sequence that may get so long."""
    theta, s, part = rope_settings(cfg)
    dim = int(head_dim * part)
    inv = 1.0 / theta ** (np.arange(0, dim, 2, dtype=np.float64) / dim)
    kind = s["rope_type"]
    if kind == "default":
        return inv, 1.0
    if kind == "linear":
        return inv / s["factor"], 1.0
    if kind == "longrope":
        return longrope(cfg, s, inv, longest)
    if kind == "yarn":
        return yarn(cfg, s, theta, dim, inv)
    if kind == "llama3":
        n = s["original_max_position_embeddings"]
        lo, hi, factor = s["low_freq_factor"], s["high_freq_factor"], s["factor"]
        turns = n * inv / (2 * math.pi)                   # full turns within the original context
        blend = np.clip((turns - lo) / (hi - lo), 0.0, 1.0)
        return inv * (blend + (1.0 - blend) / factor), 1.0
    raise ValueError("rope_type " + kind)


def rotate(x, inv, positions, factor):
    """x [T, heads, head_dim]; channel i pairs with i + dim/2 inside the first dim = 2*len(inv) channels."""
    half = len(inv)
    angle = positions[:, None] * inv[None, :]
    c, s = factor * np.cos(angle)[:, None, :], factor * np.sin(angle)[:, None, :]
    a, b = x[..., :half], x[..., half:2 * half]
    return np.concatenate([a * c - b * s, b * c + a * s, x[..., 2 * half:]], axis=-1)

# ---------------------------------------------------------------- model

class Reference:
    def __init__(self, folder=None, config=None, weights=None):
        self.cfg = config if config is not None else json.load(open(os.path.join(folder, "config.json")))
        self.w = weights if weights is not None else read_folder(folder)
        c = self.cfg
        self.kind = c["model_type"]
        self.layers = c["num_hidden_layers"]
        self.heads = c["num_attention_heads"]
        self.kv_heads = key_value_heads(c)
        self.head_dim = head_size(c)
        self.eps = setting(c, "layer_norm_eps" if self.kind == "gpt_neox" else "rms_norm_eps")
        self.longest = 0                                   # longest that the sequence may get, where that matters
        self.act = ACT[setting(c, "hidden_activation" if self.kind == "gemma2" else "hidden_act")]
        self.scale = (setting(c, "query_pre_attn_scalar") if self.kind == "gemma2" else self.head_dim) ** -0.5

    # -- small helpers
    def linear(self, x, name):
        y = x @ self.w[name + ".weight"].T
        bias = self.w.get(name + ".bias")
        return y if bias is None else y + bias

    def rms(self, x, name):
        return rms_norm(x, self.w[name + ".weight"], self.eps, plus_one=self.kind == "gemma2")

    def ln(self, x, name):
        return layer_norm(x, self.w[name + ".weight"], self.w[name + ".bias"], self.eps)

    def window(self, i):
        """Number of keys a query may see, itself included; None = all."""
        c, size = self.cfg, setting(self.cfg, "sliding_window")
        if size is None or self.kind in ("llama", "olmo2", "gpt_neox"):
            return None
        types = c.get("layer_types")
        if self.kind in ("mistral", "phi3"):
            return size
        if self.kind == "gemma2":
            on = types[i] == "sliding_attention" if types else i % 2 == 0
        elif self.kind in ("qwen2", "qwen3"):
            on = c.get("use_sliding_window", False) and (
                types[i] == "sliding_attention" if types else i >= setting(c, "max_window_layers"))
        else:  # smollm3
            on = c.get("use_sliding_window", False) and (
                types[i] == "sliding_attention" if types else not self.uses_rope(i))
        return size if on else None

    def uses_rope(self, i):
        if self.kind != "smollm3":
            return True
        flags = self.cfg.get("no_rope_layers")
        return bool(flags[i]) if flags else (i + 1) % setting(self.cfg, "no_rope_layer_interval") != 0

    # -- sublayers (input already normalised where the family does so)
    def project_qkv(self, x, p):
        t, h, k, d = len(x), self.heads, self.kv_heads, self.head_dim
        if self.kind == "gpt_neox":                        # rows: head-major, then q|k|v inside each head
            f = self.linear(x, p + "query_key_value").reshape(t, h, 3, d)
            return f[:, :, 0], f[:, :, 1], f[:, :, 2]
        if self.kind == "phi3":                            # rows: all q, all k, all v
            f = self.linear(x, p + "qkv_proj")
            q, kk, v = np.split(f, [h * d, (h + k) * d], axis=-1)
        else:
            q, kk, v = (self.linear(x, p + n) for n in ("q_proj", "k_proj", "v_proj"))
        if self.kind == "olmo2":                           # norm over the whole projection
            q, kk = self.rms(q, p + "q_norm"), self.rms(kk, p + "k_norm")
        q, kk, v = q.reshape(t, h, d), kk.reshape(t, k, d), v.reshape(t, k, d)
        if self.kind == "qwen3":                           # norm per head
            q, kk = self.rms(q, p + "q_norm"), self.rms(kk, p + "k_norm")
        return q, kk, v

    def attention(self, x, i, p):
        t = len(x)
        q, k, v = self.project_qkv(x, p)
        if self.uses_rope(i):
            pos = np.arange(t, dtype=np.float64)
            inv, factor = inverse_frequencies(self.cfg, self.head_dim, self.longest or t)
            q, k = rotate(q, inv, pos, factor), rotate(k, inv, pos, factor)
        group = self.heads // self.kv_heads                # query head j reads kv head j // group
        k, v = np.repeat(k, group, axis=1), np.repeat(v, group, axis=1)
        s = np.einsum("qhd,khd->hqk", q, k) * self.scale
        cap = setting(self.cfg, "attn_logit_softcapping") if self.kind == "gemma2" else None
        if cap:
            s = np.tanh(s / cap) * cap
        back = np.arange(t)[:, None] - np.arange(t)[None, :]
        seen = back >= 0
        if self.window(i) is not None:
            seen &= back < self.window(i)
        a = softmax(np.where(seen, s, -np.inf))
        o = np.einsum("hqk,khd->qhd", a, v).reshape(t, -1)
        return self.linear(o, p + ("dense" if self.kind == "gpt_neox" else "o_proj"))

    def mlp(self, x, p):
        if self.kind == "gpt_neox":
            return self.linear(self.act(self.linear(x, p + "dense_h_to_4h")), p + "dense_4h_to_h")
        if self.kind == "phi3":
            gate, up = np.split(self.linear(x, p + "gate_up_proj"), 2, axis=-1)
        else:
            gate, up = self.linear(x, p + "gate_proj"), self.linear(x, p + "up_proj")
        return self.linear(self.act(gate) * up, p + "down_proj")

    # -- one layer; a skipped sublayer adds nothing to the residual
    def layer(self, x, i, with_attention, with_mlp):
        if self.kind == "gpt_neox":
            p = "gpt_neox.layers.%d." % i
            attn = lambda z: self.attention(self.ln(z, p + "input_layernorm"), i, p + "attention.")
            mlp = lambda z: self.mlp(self.ln(z, p + "post_attention_layernorm"), p + "mlp.")
            if self.cfg.get("use_parallel_residual", True):
                return x + (attn(x) if with_attention else 0.0) + (mlp(x) if with_mlp else 0.0)
        else:
            p = "model.layers.%d." % i
            if self.kind == "olmo2":
                attn = lambda z: self.rms(self.attention(z, i, p + "self_attn."), p + "post_attention_layernorm")
                mlp = lambda z: self.rms(self.mlp(z, p + "mlp."), p + "post_feedforward_layernorm")
            elif self.kind == "gemma2":
                attn = lambda z: self.rms(self.attention(self.rms(z, p + "input_layernorm"), i, p + "self_attn."),
                                          p + "post_attention_layernorm")
                mlp = lambda z: self.rms(self.mlp(self.rms(z, p + "pre_feedforward_layernorm"), p + "mlp."),
                                         p + "post_feedforward_layernorm")
            else:
                attn = lambda z: self.attention(self.rms(z, p + "input_layernorm"), i, p + "self_attn.")
                mlp = lambda z: self.mlp(self.rms(z, p + "post_attention_layernorm"), p + "mlp.")
        if with_attention:
            x = x + attn(x)
        if with_mlp:
            x = x + mlp(x)
        return x

    def embed(self, ids):
        if self.kind == "gpt_neox":
            return self.w["gpt_neox.embed_in.weight"][ids]
        x = self.w["model.embed_tokens.weight"][ids]
        return x * math.sqrt(self.cfg["hidden_size"]) if self.kind == "gemma2" else x

    def head(self, x):
        if self.kind == "gpt_neox":
            x = self.ln(x, "gpt_neox.final_layer_norm")
            table = self.w["gpt_neox.embed_in.weight" if setting(self.cfg, "tie_word_embeddings") else "embed_out.weight"]
        else:
            x = self.rms(x, "model.norm")
            table = self.w["model.embed_tokens.weight" if setting(self.cfg, "tie_word_embeddings") else "lm_head.weight"]
        y = x @ table.T
        cap = setting(self.cfg, "final_logit_softcapping") if self.kind == "gemma2" else None
        return np.tanh(y / cap) * cap if cap else y

    def forward(self, ids, skip_attention=frozenset(), skip_mlp=frozenset(), exit_layer=None):
        x = self.embed(np.asarray(ids, dtype=np.int64))
        hidden = [x]
        for i in range(self.layers if exit_layer is None else exit_layer):
            x = self.layer(x, i, i not in skip_attention, i not in skip_mlp)
            hidden.append(x)
        return Result(self.head(x), hidden)

    def layer_figures(self, ids):
        """What layers do to a text: -> dict; a position predicts the id behind it, the last one nothing."""
        rows, targets = list(ids[:-1]), np.asarray(ids[1:])

        def cosine(a, b):
            norms = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
            return float(np.mean(np.sum(a * b, axis=-1) / norms))

        def perplexity(y):
            y = y - y.max(axis=-1, keepdims=True)
            logp = y - np.log(np.exp(y).sum(axis=-1, keepdims=True))
            return float(np.exp(-np.mean(logp[np.arange(len(targets)), targets])))

        full = self.forward(rows)
        best = full.logits.argmax(axis=-1)
        agreement = lambda y: float(np.mean(y.argmax(axis=-1) == best))
        # Below this margin float32 may choose otherwise, in either model.
        near = lambda y: int(np.sum(np.minimum(top_margins(y), top_margins(full.logits)) < 1e-3))
        out = {"perplexity": perplexity(full.logits), "layers": []}
        for i in range(self.layers):
            x, z = full.hidden[i], full.hidden[i + 1]
            middle = self.layer(x, i, True, False)
            exit_logits = self.head(z)
            blocks = {}
            for name, a, b, kw in (("attention", x, middle, {"skip_attention": {i}}), ("mlp", middle, z, {"skip_mlp": {i}})):
                y = self.forward(rows, **kw).logits
                blocks[name] = {"block_influence": 1 - cosine(a, b), "agreement_without": agreement(y), "near_ties": near(y)}
            out["layers"].append({**blocks, "block_influence": 1 - cosine(x, z), "exit_agreement": agreement(exit_logits),
                                  "exit_near_ties": near(exit_logits), "exit_perplexity": perplexity(exit_logits)})
        return out

    def greedy(self, ids, steps, **kw):
        """-> (tokens, margins top1-top2) ; ignores end-of-sequence; ties go to the lower id."""
        ids, out, margins = list(ids), [], []
        self.longest = len(ids) + steps
        for _ in range(steps):
            y = self.forward(ids, **kw).logits[-1]
            best = int(np.argmax(y))
            out.append(best)
            margins.append(float(y[best] - np.delete(y, best).max()))
            ids.append(best)
        self.longest = 0
        return out, margins


def top_margins(logits):
    two = np.partition(logits, -2, axis=-1)[:, -2:]
    return two[:, 1] - two[:, 0]
