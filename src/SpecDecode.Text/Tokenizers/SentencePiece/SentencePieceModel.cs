using SpecDecode.Checkpoints;

namespace SpecDecode.Tokenizers.SentencePiece;

/// <summary>
/// The part of a SentencePiece model's file that encoding needs. Field numbers and defaults, here and in what it holds, are
/// those of the format (https://github.com/google/sentencepiece).
/// </summary>
internal sealed class SentencePieceModel
{
    private const int PiecesField = 1;

    private readonly List<ModelPiece> _pieces;

    private SentencePieceModel(int pieces) => _pieces = new(pieces);

    /// <summary>The vocabulary, in the order of the ids.</summary>
    public IReadOnlyList<ModelPiece> Pieces => _pieces;

    /// <summary>How the model was trained.</summary>
    public TrainerSpec Trainer { get; } = new();

    /// <summary>How text is normalized.</summary>
    public NormalizerSpec Normalizer { get; } = new();

    /// <summary>How decoded text is rewritten.</summary>
    public NormalizerSpec Denormalizer { get; } = new();

    /// <summary>Counts the pieces without making them: one of two bytes becomes an object of many.</summary>
    /// <param name="file">The file's bytes.</param>
    /// <exception cref="InvalidDataException">They are no message.</exception>
    public static int CountPieces(ReadOnlySpan<byte> file)
    {
        int count = 0;
        var fields = new ProtobufReader(file);
        while (fields.TryRead(out var field))
            count += field is { Number: PiecesField, Type: ProtobufWireType.Bytes } ? 1 : 0;
        return count;
    }

    /// <summary>Reads a model. A specification that is there more than once is put together, and what comes later counts.</summary>
    /// <param name="file">The file's bytes.</param>
    /// <param name="pieces">How many pieces they hold.</param>
    /// <exception cref="InvalidDataException">They are no SentencePiece model.</exception>
    public static SentencePieceModel Read(ReadOnlySpan<byte> file, int pieces)
    {
        var model = new SentencePieceModel(pieces);
        var fields = new ProtobufReader(file);
        while (fields.TryRead(out var field))
        {
            switch (field.Number, field.Type)
            {
                case (PiecesField, ProtobufWireType.Bytes):
                    model._pieces.Add(ModelPiece.Read(field.Message()));
                    break;
                case (2, ProtobufWireType.Bytes):
                    model.Trainer.Merge(field.Message());
                    break;
                case (3, ProtobufWireType.Bytes):
                    model.Normalizer.Merge(field.Message());
                    break;
                case (5, ProtobufWireType.Bytes):
                    model.Denormalizer.Merge(field.Message());
                    break;
            }
        }
        return model;
    }
}
