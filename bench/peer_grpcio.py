"""An echo server on grpcio, the peer of bench/rpc.c: takes any unary call and answers its bytes."""

import sys
from concurrent import futures

import grpc


class Echo(grpc.GenericRpcHandler):
    def service(self, handler_call_details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request)


server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
server.add_generic_rpc_handlers((Echo(),))
server.add_insecure_port(sys.argv[1])
server.start()
server.wait_for_termination()
