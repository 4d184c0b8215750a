using System.Text.Json;
using SpecDecode.Evaluation;

namespace SpecDecode.Tool.Layers;

/// <summary>What was measured of a model's layers as JSON.</summary>
internal static class LayersJson
{
    // A block that hardly does anything has an influence of 1e-6.
    private const int Digits = 8;

    /// <summary>Writes one object.</summary>
    public static void Write(TextWriter output, LayerReport report) => JsonResult.Write(output, json =>
    {
        Number(json, "perplexity", report.Perplexity);
        json.WriteNumber("tokens", report.Tokens);
        json.WriteNumber("positions", report.Positions);
        json.WriteStartArray("layers");
        foreach (LayerFigures layer in report.Layers)
        {
            json.WriteStartObject();
            json.WriteNumber("layer", layer.Layer);
            Block(json, "attention", layer.Attention);
            Block(json, "mlp", layer.Mlp);
            Number(json, "block_influence", layer.BlockInfluence);
            Number(json, "exit_agreement", layer.ExitAgreement);
            Number(json, "exit_perplexity", layer.ExitPerplexity);
            Number(json, "time_share", layer.TimeShare);
            Number(json, "byte_share", layer.ByteShare);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static void Block(Utf8JsonWriter json, string name, BlockFigures block)
    {
        json.WriteStartObject(name);
        Number(json, "block_influence", block.BlockInfluence);
        Number(json, "cosine", block.Cosine);
        Number(json, "agreement_without", block.AgreementWithout);
        Number(json, "time_share", block.TimeShare);
        Number(json, "byte_share", block.ByteShare);
        json.WriteEndObject();
    }

    private static void Number(Utf8JsonWriter json, string name, double number)
    {
        if (double.IsFinite(number))
        {
            json.WriteNumber(name, Math.Round(number, Digits));
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
