// Made by `tidegate new` from nestjs/ws-error.filter.ts; yours to change.
import {
  Catch,
  Logger,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { WsException } from '@nestjs/websockets';

/** Answers a failed call in its ack: `{ error: { code, message } }`. */
@Catch()
export class WsErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(WsErrorFilter.name);

  catch(exception: unknown, host: ArgumentsHost): void {
    if (!(exception instanceof WsException)) {
      this.logger.error({
        message: 'a handler failed',
        event: host.switchToWs().getPattern(),
        exception,
      });
    }
    const ack: unknown = host.getArgByIndex(2);
    if (typeof ack === 'function')
      (ack as (answer: object) => void)({ error: errorOf(exception) });
  }
}

function errorOf(exception: unknown): object {
  // What is not a WsException is our own trouble, and tells the client nothing.
  if (!(exception instanceof WsException))
    return { code: 'internal', message: 'The handler failed.' };
  const error = exception.getError();
  return typeof error === 'string'
    ? { code: 'forbidden', message: error }
    : error;
}
