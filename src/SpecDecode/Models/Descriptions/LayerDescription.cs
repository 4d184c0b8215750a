namespace SpecDecode.Models.Descriptions;

/// <summary>The attention block of a layer: residual + Output(attend(QueryKeyValue(InputNorm(residual)))).</summary>
/// <param name="InputNorm">Norm before the projections.</param>
/// <param name="QueryKeyValue">Packed projection; rows are all query heads, all key heads, all value heads.</param>
/// <param name="Attend">Heads, scale and rotary embedding.</param>
/// <param name="Output">Projection of the attended values back to the residual's width.</param>
internal sealed record AttentionDescription(
    NormDescription InputNorm, LinearDescription QueryKeyValue, AttendDescription Attend, LinearDescription Output);

/// <summary>The gated MLP block of a layer: residual + Down(act(gate) · up), gate and up from one packed projection.</summary>
/// <param name="InputNorm">Norm before the projections.</param>
/// <param name="GateUp">Packed projection; rows are the gate, then up; so its width is twice the intermediate size.</param>
/// <param name="Activation">Function on the gate.</param>
/// <param name="Down">Projection back to the residual's width.</param>
internal sealed record MlpDescription(NormDescription InputNorm, LinearDescription GateUp, Activation Activation, LinearDescription Down);

/// <summary>One decoder layer: an attention block, then an MLP block, each adding to the residual.</summary>
/// <param name="Attention">The attention block.</param>
/// <param name="Mlp">The MLP block.</param>
internal sealed record LayerDescription(AttentionDescription Attention, MlpDescription Mlp);
