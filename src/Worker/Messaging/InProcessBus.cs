using System.Threading.Channels;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Storage.Sql;
using LeadPipeline.Worker.Telemetry;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Messaging;

/// <summary>
/// The embedded queue. It holds commands only; leads are in the database before they are answered for, and what was in the queue when the
/// process ended is found there again at the next start.
/// </summary>
public sealed class InProcessBus(
    IntakeHandler intake, StageRunner runner, StageFailures failures, SqlDatabase database, IOptions<MessagingOptions> options)
    : BackgroundService, ILeadBus
{
    /// <summary>Enough to keep every worker busy; more would only hold leads in memory that are safe in the database.</summary>
    private const int Waiting = 2048;

    private readonly Channel<StageCommand> queue = Channel.CreateBounded<StageCommand>(Waiting);

    /// <inheritdoc/>
    public async Task<IntakeResult?> SubmitAsync(LeadSubmitted submitted, CancellationToken cancellationToken)
    {
        using var span = LeadTraces.Processing(LeadTraces.InProcess, "lead-intake", submitted.LeadId, LeadTraces.Context);
        try
        {
            var result = await intake.HandleAsync(submitted);
            var next = result switch { IntakeResult.Accepted a => a.Next, IntakeResult.Duplicate d => d.Next, _ => null };
            if (next is not null)
                await SendAsync(next, cancellationToken);
            return result;
        }
        catch (Exception exception) when (database.IsTransient(exception))
        {
            throw new BusUnavailableException("The database cannot take the lead now.", exception);
        }
    }

    /// <inheritdoc/>
    public Task SendAsync(StageCommand command, CancellationToken cancellationToken) => queue.Writer.WriteAsync(Traced(command), cancellationToken).AsTask();

    private static StageCommand Traced(StageCommand command) => LeadTraces.Context is { } context ? command with { Trace = context } : command;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var workers = Enumerable.Range(0, options.Value.EmbeddedConcurrency).Select(_ => Task.Run(() => WorkAsync(stoppingToken), CancellationToken.None));
        await Task.WhenAll(workers);
    }

    private async Task WorkAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (await queue.Reader.WaitToReadAsync(stoppingToken))
            {
                while (!stoppingToken.IsCancellationRequested && queue.Reader.TryRead(out var command))
                    await RunAsync(command, stoppingToken);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping. What is left in the queue is in the database.
        }
    }

    private async Task RunAsync(StageCommand command, CancellationToken stoppingToken)
    {
        using var span = LeadTraces.Processing(LeadTraces.InProcess, command.Stage == LeadStage.Analysis ? "lead-analysis" : "lead-execution", command.LeadId, command.Trace);
        try
        {
            await runner.RunAsync(command, new HandBack(queue.Writer), stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopping; the lead goes on at the next start.
        }
#pragma warning disable CA1031 // Whatever it was, the next lead must not suffer for it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LeadTraces.Failed(span, exception);
            await failures.RecordAsync(command, exception);
        }
    }

    /// <summary>The queue as its own workers see it: they must not wait for room that only they can make. What finds none is sent by the sweeper.</summary>
    private sealed class HandBack(ChannelWriter<StageCommand> writer) : ILeadBus
    {
        public Task<IntakeResult?> SubmitAsync(LeadSubmitted submitted, CancellationToken cancellationToken) => throw new NotSupportedException("Workers submit nothing.");

        public Task SendAsync(StageCommand command, CancellationToken cancellationToken)
        {
            _ = writer.TryWrite(Traced(command));
            return Task.CompletedTask;
        }
    }
}
