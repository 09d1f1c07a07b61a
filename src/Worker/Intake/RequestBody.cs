using System.Buffers;
using LeadPipeline.Worker.Ops;

namespace LeadPipeline.Worker.Intake;

/// <summary>A body as it came, or the refusal. One of the two is null.</summary>
/// <param name="Bytes">All of it, unchanged.</param>
/// <param name="Refusal">What to answer instead.</param>
public readonly record struct ReadBody(byte[]? Bytes, IResult? Refusal);

/// <summary>Reads the body of a post whole, within the limits that all doors have.</summary>
public static class RequestBody
{
    /// <summary>Longest body, in bytes.</summary>
    public const int MaxBytes = 1_000_000;

    /// <summary>How long a sender may take for its body. A sender that trickles holds a connection, and holds it no longer than this.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Reads it. Compressed bodies are refused unread: their size cannot be known from outside.</summary>
    public static async Task<ReadBody> ReadAsync(HttpContext context, TimeProvider time)
    {
        if (context.Request.Headers.ContentEncoding.Count > 0 && context.Request.Headers.ContentEncoding != "identity")
            return Refuse(Problems.Of(415, "unsupported-encoding", "Send the body without a content encoding."));
        if (context.Request.ContentLength > MaxBytes)
            return Refuse(TooLarge());
        using var limit = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, context.RequestAborted);
        try
        {
            return await ReadAsync(context.Request, either.Token) is { } bytes ? new ReadBody(bytes, null) : Refuse(TooLarge());
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested)
        {
            return Refuse(Problems.Of(408, "too-slow", $"The body did not arrive within {Patience.TotalSeconds} s."));
        }
    }

    private static ReadBody Refuse(IResult refusal) => new(null, refusal);

    private static IResult TooLarge() => Problems.Of(413, "too-large", $"A body may have {MaxBytes} bytes; send the leads in several posts.");

    private static async Task<byte[]?> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(cancellationToken);
            if (read.Buffer.Length > MaxBytes)
                return null;
            if (read.IsCompleted)
            {
                var bytes = read.Buffer.ToArray();
                request.BodyReader.AdvanceTo(read.Buffer.End);
                return bytes;
            }
            request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}
