using SpecDecode.Checkpoints;

namespace SpecDecode.Tokenizers.SentencePiece;

/// <summary>What a piece is for.</summary>
internal enum PieceType
{
    /// <summary>A piece of text.</summary>
    Normal = 1,

    /// <summary>What stands for text that no piece covers.</summary>
    Unknown = 2,

    /// <summary>A token that no text becomes.</summary>
    Control = 3,

    /// <summary>A text that is always one token.</summary>
    UserDefined = 4,

    /// <summary>A piece that is not used.</summary>
    Unused = 5,

    /// <summary>A byte of a character that no piece covers.</summary>
    Byte = 6,
}

/// <summary>A piece of a SentencePiece model's vocabulary.</summary>
/// <param name="Text">The piece.</param>
/// <param name="Score">The higher, the earlier two neighbours become it.</param>
/// <param name="Type">What it is for; numbers without a name, which a file may hold, count as <see cref="PieceType.Normal"/>.</param>
internal readonly record struct ModelPiece(string Text, float Score, PieceType Type)
{
    /// <summary>Reads a piece.</summary>
    /// <param name="fields">The fields of its message.</param>
    /// <exception cref="InvalidDataException">The message is damaged.</exception>
    public static ModelPiece Read(ProtobufReader fields)
    {
        var text = "";
        float score = 0;
        var type = PieceType.Normal;
        while (fields.TryRead(out var field))
        {
            switch (field.Number, field.Type)
            {
                case (1, ProtobufWireType.Bytes):
                    text = field.Text();
                    break;
                case (2, ProtobufWireType.Fixed32):
                    score = field.Float;
                    break;
                case (3, ProtobufWireType.Varint):
                    type = (PieceType)field.Integer;
                    break;
            }
        }
        return new(text, score, type);
    }
}
