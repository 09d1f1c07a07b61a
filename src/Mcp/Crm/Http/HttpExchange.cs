using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LeadPipeline.Mcp.Crm.Http;

/// <summary>Sends one request to a vendor and says honestly what came of it: an answer, nothing taken, or an answer that was lost.</summary>
public static class HttpExchange
{
    /// <summary>Longest answer that is read, in bytes.</summary>
    private const int MaxAnswer = 16 * 1024 * 1024;

    /// <summary>Sends a request once. Never throws for what the network or the vendor did.</summary>
    /// <param name="http">The client; its own timeout should be infinite.</param>
    /// <param name="request">The request, credentials included.</param>
    /// <param name="vendor">The vendor in the messages: <c>the CRM</c>.</param>
    /// <param name="timeout">Time for the exchange.</param>
    /// <param name="time">Tells when it is over.</param>
    /// <param name="cancellationToken">Gives up; the reply then is <see cref="VendorReply.Lost"/>, since the request may be under way.</param>
    public static async Task<VendorReply> SendAsync(
        HttpClient http, HttpRequestMessage request, string vendor, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        // The source follows the given clock, so that tests need not wait; a linked source would follow the system's.
        using var limit = new CancellationTokenSource(timeout, time);
        await using var link = cancellationToken.Register(static s => ((CancellationTokenSource)s!).Cancel(), limit);
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            var (body, text) = await ReadAsync(response, limit.Token);
            return new VendorReply.Answer((int)response.StatusCode, body, response.Headers) { Text = text };
        }
        catch (OperationCanceledException)
        {
            return new VendorReply.Lost(CrmFault.Timeout, $"{vendor} did not answer in time");
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError == HttpRequestError.NameResolutionError)
        {
            return new VendorReply.NotTaken(NotNowKind.Transient, CrmFault.DnsFailure, $"the host name of {vendor} has no address");
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError)
        {
            var refused = exception.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused };
            return new VendorReply.NotTaken(NotNowKind.Transient, refused ? CrmFault.ConnectionRefused : CrmFault.Unknown, $"no connection to {vendor} could be made");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return new VendorReply.Lost(CrmFault.Unknown, $"the connection to {vendor} was lost before its answer was whole");
        }
    }

    private static async Task<(JsonNode? Json, string? Text)> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var buffer = new MemoryStream();
        var chunk = new byte[8192];
        int read;
        while ((read = await stream.ReadAsync(chunk, cancellationToken)) > 0)
        {
            buffer.Write(chunk, 0, read);
            if (buffer.Length > MaxAnswer)
                throw new IOException("The answer is too long.");
        }
        if (buffer.Length == 0)
            return (null, null);
        var bytes = buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
        try
        {
            return (JsonNode.Parse(bytes.Span), null);
        }
        catch (JsonException)
        {
            return (null, Encoding.UTF8.GetString(bytes.Span));
        }
    }
}
