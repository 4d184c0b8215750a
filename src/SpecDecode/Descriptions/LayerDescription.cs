namespace SpecDecode.Descriptions;

/// <summary>The attention block of a layer: residual + OutputNorm(Output(attend(QueryKeyNorm(QueryKeyValue(InputNorm(residual)))))).</summary>
/// <param name="InputNorm">Norm before the projections; null for none.</param>
/// <param name="QueryKeyValue">Packed projection; rows are all query heads, all key heads, all value heads.</param>
/// <param name="QueryKeyNorm">Norms of queries and keys before the rotary embedding; null for none.</param>
/// <param name="Attend">Heads, scale, window and rotary embedding.</param>
/// <param name="Output">Projection of the attended values back to the residual's width.</param>
/// <param name="OutputNorm">Norm of what is added to the residual; null for none.</param>
internal sealed record AttentionDescription(
    NormDescription? InputNorm, LinearDescription QueryKeyValue, QueryKeyNormDescription? QueryKeyNorm, AttendDescription Attend,
    LinearDescription Output, NormDescription? OutputNorm);

/// <summary>The MLP block of a layer: residual + OutputNorm(Down(act(gate) · up)), or Down(act(up)) where there is no gate.</summary>
/// <param name="InputNorm">Norm before the projections; null for none.</param>
/// <param name="GateUp">Packed projection; rows are the gate, then up, each of the intermediate size; without a gate up alone.</param>
/// <param name="IsGated">Whether there is a gate.</param>
/// <param name="Activation">Function on the gate, or on up where there is none.</param>
/// <param name="Down">Projection back to the residual's width.</param>
/// <param name="OutputNorm">Norm of what is added to the residual; null for none.</param>
internal sealed record MlpDescription(
    NormDescription? InputNorm, LinearDescription GateUp, bool IsGated, Activation Activation, LinearDescription Down, NormDescription? OutputNorm);

/// <summary>One decoder layer: an attention block, then an MLP block, each adding to the residual.</summary>
/// <param name="Attention">The attention block.</param>
/// <param name="Mlp">The MLP block.</param>
/// <param name="IsParallel">
/// Whether the MLP reads the residual as the layer's attention did, from before attention was added to it. Where attention is
/// left out, both are the same.
/// </param>
internal sealed record LayerDescription(AttentionDescription Attention, MlpDescription Mlp, bool IsParallel = false);
