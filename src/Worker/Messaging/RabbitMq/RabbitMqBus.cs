using LeadPipeline.Contracts;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Saga;
using MassTransit;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Messaging.RabbitMq;

/// <summary>Sends to the broker's queues. A send has succeeded when the broker has confirmed that a queue holds the message.</summary>
public sealed class RabbitMqBus(IBus bus, IOptions<MessagingOptions> options, TimeProvider time) : ILeadBus
{
    private static readonly Uri Intake = new("exchange:" + RabbitMqRegistration.IntakeQueue);
    private static readonly Uri Analysis = new("exchange:" + RabbitMqRegistration.AnalysisQueue);
    private static readonly Uri Execution = new("exchange:" + RabbitMqRegistration.ExecutionQueue);

    /// <inheritdoc/>
    public async Task<IntakeResult?> SubmitAsync(LeadSubmitted submitted, CancellationToken cancellationToken)
    {
        await SendAsync(Intake, submitted, NewId.NextGuid(), cancellationToken);
        return null;
    }

    /// <inheritdoc/>
    public Task SendAsync(StageCommand command, CancellationToken cancellationToken)
    {
        // The same id however often it is sent: whoever counts messages by id sees one.
        var id = DeterministicId.Message(command.LeadId, command.Stage == LeadStage.Analysis ? "analyze" : "execute", command.Run, command.Attempt);
        return command.Stage == LeadStage.Analysis
            ? SendAsync(Analysis, new AnalyzeLead(command.LeadId, command.Run, command.Attempt), id, cancellationToken)
            : SendAsync(Execution, new ExecutePlan(command.LeadId, command.Run, command.Attempt), id, cancellationToken);
    }

    private async Task SendAsync<T>(Uri queue, T message, Guid id, CancellationToken cancellationToken)
        where T : class
    {
        // A send without a deadline waits for as long as the broker is away.
        using var limit = new CancellationTokenSource(options.Value.PublishTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var endpoint = await bus.GetSendEndpoint(queue).WaitAsync(either.Token);
            await endpoint.Send(message, context => context.MessageId = id, either.Token).WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BusUnavailableException("The broker did not confirm in time.");
        }
        catch (Exception exception) when (exception is MassTransitException or RabbitMQ.Client.Exceptions.RabbitMQClientException or IOException or System.Net.Sockets.SocketException or ObjectDisposedException)
        {
            throw new BusUnavailableException("The broker did not take the message.", exception);
        }
    }
}
