using SpecDecode.Checkpoints;

namespace SpecDecode.Families;

/// <summary>
/// What is wrong with a config.json, key by key: families read it from top to bottom and stop at the first thing that does not fit,
/// which is right for loading and little help to whoever mends the file.
/// </summary>
internal static class ConfigComplaints
{
    /// <summary>The complaints about the keys that families have in common, each in a sentence.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="family">The family that reads it.</param>
    public static IReadOnlyList<string> Find(ConfigDocument config, FamilyDefaults family)
    {
        List<string> complaints = [];
        void Read(Action read)
        {
            try
            {
                read();
            }
            catch (CheckpointException complaint) when (!complaints.Contains(complaint.Message))
            {
                complaints.Add(complaint.Message);
            }
            catch (CheckpointException)
            {
                // The same, met by another way.
            }
        }

        Read(() => DecoderDescriber.ReadHiddenSize(config));
        Read(() => DecoderDescriber.ReadVocabularySize(config));
        Read(() => DecoderDescriber.ReadMaxPositions(config, family));
        Read(() => config.PositiveInt("num_hidden_layers"));
        Read(() => config.PositiveInt("intermediate_size", max: DecoderDescriber.MaxIntermediate));
        Read(() => config.NotNull(family.EpsilonKey).PositiveNumber(family.EpsilonKey, family.Epsilon));
        Read(() => ActivationConfig.Read(config, family));
        Read(() => BiasSetting.Read(config, "attention_bias", family.AttentionBias));
        Read(() => (family.TiesHead ? config.NotNull("tie_word_embeddings") : config).Bool("tie_word_embeddings", family.TiesHead));
        Read(() => config.IntOrInts("eos_token_id"));
        AttentionShape? shape = null;
        Read(() => shape = AttentionShape.Read(config, family));
        if (shape is not null)
        {
            Read(() => RotaryConfig.Read(config, family, shape.HeadSize));
        }

        return complaints;
    }
}
