using SpecDecode.Checkpoints;

namespace SpecDecode.Tokenizers.SentencePiece;

/// <summary>The kinds of SentencePiece models.</summary>
internal enum ModelType
{
    /// <summary>The most probable pieces.</summary>
    Unigram = 1,

    /// <summary>Pairs that merge.</summary>
    Bpe = 2,

    /// <summary>Words between spaces.</summary>
    Word = 3,

    /// <summary>Characters.</summary>
    Char = 4,
}

/// <summary>What a SentencePiece model says about how it was trained.</summary>
internal sealed class TrainerSpec
{
    /// <summary>The model's kind; a file may hold other numbers than those that have names.</summary>
    public ModelType ModelType { get; private set; } = ModelType.Unigram;

    /// <summary>Whether the mark of a space stands behind words and not before them.</summary>
    public bool TreatWhitespaceAsSuffix { get; private set; }

    /// <summary>Whether characters that no piece covers become their bytes.</summary>
    public bool ByteFallback { get; private set; }

    /// <summary>The token that begins a text.</summary>
    public string BosPiece { get; private set; } = "<s>";

    /// <summary>The token that ends one.</summary>
    public string EosPiece { get; private set; } = "</s>";

    /// <summary>Takes over what a message says; the rest stays as it is.</summary>
    /// <param name="fields">The message's fields.</param>
    /// <exception cref="InvalidDataException">The message is damaged.</exception>
    public void Merge(ProtobufReader fields)
    {
        while (fields.TryRead(out var field))
        {
            switch (field.Number, field.Type)
            {
                case (3, ProtobufWireType.Varint):
                    ModelType = (ModelType)field.Integer;
                    break;
                case (24, ProtobufWireType.Varint):
                    TreatWhitespaceAsSuffix = field.Flag;
                    break;
                case (35, ProtobufWireType.Varint):
                    ByteFallback = field.Flag;
                    break;
                case (46, ProtobufWireType.Bytes):
                    BosPiece = field.Text();
                    break;
                case (47, ProtobufWireType.Bytes):
                    EosPiece = field.Text();
                    break;
            }
        }
    }
}
