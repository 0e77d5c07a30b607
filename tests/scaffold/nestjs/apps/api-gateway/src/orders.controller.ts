import { Controller, Logger } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';

/** The app's own work, from a queue of its own: a realtime node must not do it as well. */
@Controller()
export class OrdersController {
  private readonly logger = new Logger(OrdersController.name);

  @EventPattern<string>('order.created')
  create(): void {
    this.logger.log('order heard');
  }
}
