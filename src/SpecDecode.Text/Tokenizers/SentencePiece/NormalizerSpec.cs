using SpecDecode.Checkpoints;

namespace SpecDecode.Tokenizers.SentencePiece;

/// <summary>What a SentencePiece model says about how text is normalized, or decoded text is rewritten.</summary>
internal sealed class NormalizerSpec
{
    /// <summary>What characters become, as <see cref="PrecompiledCharsMap"/> reads it; empty where they stay.</summary>
    public byte[] PrecompiledCharsmap { get; private set; } = [];

    /// <summary>Whether a space is put before the text.</summary>
    public bool AddDummyPrefix { get; private set; } = true;

    /// <summary>Whether spaces at both ends vanish and those within become one.</summary>
    public bool RemoveExtraWhitespaces { get; private set; } = true;

    /// <summary>Whether spaces become marks.</summary>
    public bool EscapeWhitespaces { get; private set; } = true;

    /// <summary>Takes over what a message says; the rest stays as it is.</summary>
    /// <param name="fields">The message's fields.</param>
    /// <exception cref="InvalidDataException">The message is damaged.</exception>
    public void Merge(ProtobufReader fields)
    {
        while (fields.TryRead(out var field))
        {
            switch (field.Number, field.Type)
            {
                case (2, ProtobufWireType.Bytes):
                    PrecompiledCharsmap = field.Bytes.ToArray();
                    break;
                case (3, ProtobufWireType.Varint):
                    AddDummyPrefix = field.Flag;
                    break;
                case (4, ProtobufWireType.Varint):
                    RemoveExtraWhitespaces = field.Flag;
                    break;
                case (5, ProtobufWireType.Varint):
                    EscapeWhitespaces = field.Flag;
                    break;
            }
        }
    }
}
